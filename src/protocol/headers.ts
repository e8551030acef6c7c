import { requestHeaderVersion, responseHeaderVersion, type ApiData } from './apis.js';
import { apiByKey } from './apis.js';
import { RequestHeader, ResponseHeader } from './messages.js';
import { ProtocolError } from './protocol-error.js';
import type { Reader } from './reader.js';
import type { Writer } from './writer.js';

/** A request's header, and what it is the header of. */
export interface DecodedRequestHeader {
  api: ApiData;
  apiVersion: number;
  correlationId: number;
  /** '' for null (RequestHeader.java). */
  clientId: string;
  /** False when Kafka's schemas lack the version; the body cannot be parsed then. Only ApiVersions gets an answer. */
  versionKnown: boolean;
}

/**
 * Reads a request header from the start of a frame. The header's own version follows from the first four bytes. For an
 * unknown version of a known api the header is read in the form of the newest version below, as far as the correlation
 * id is concerned: ApiVersions must be answered even then, with that id.
 */
export function decodeRequestHeader(reader: Reader): DecodedRequestHeader {
  const start = reader.position;
  const apiKey = reader.readInt16();
  const apiVersion = reader.readInt16();
  const api = apiByKey(apiKey);
  if (api === undefined) throw new ProtocolError(`unknown api key ${apiKey}`);
  const versionKnown = apiVersion >= api.request.minVersion && apiVersion <= api.request.maxVersion;
  reader.position = start;
  const header = RequestHeader.decode(reader, requestHeaderVersion(api, apiVersion));
  return { api, apiVersion, correlationId: header.correlationId, clientId: header.clientId ?? '', versionKnown };
}

export function encodeRequestHeader(writer: Writer, api: ApiData, apiVersion: number, correlationId: number, clientId: string | null): void {
  RequestHeader.encode(
    writer,
    { requestApiKey: api.key, requestApiVersion: apiVersion, correlationId, clientId },
    requestHeaderVersion(api, apiVersion),
  );
}

export function decodeResponseHeader(reader: Reader, api: ApiData, apiVersion: number): { correlationId: number } {
  return ResponseHeader.decode(reader, responseHeaderVersion(api, apiVersion));
}

export function encodeResponseHeader(writer: Writer, api: ApiData, apiVersion: number, correlationId: number): void {
  ResponseHeader.encode(writer, { correlationId }, responseHeaderVersion(api, apiVersion));
}
