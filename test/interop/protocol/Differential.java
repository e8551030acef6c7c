// Kafka's own classes behind stdin and stdout, for tests that compare them with ours. A frame is an int32 length, an
// operation and its payload; the answer is an int32 length, a status (0: done, 1: Kafka refused) and a payload.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.ControlRecordType;
import org.apache.kafka.common.record.EndTransactionMarker;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.MemoryRecordsBuilder;
import org.apache.kafka.common.record.MutableRecordBatch;
import org.apache.kafka.common.record.Record;
import org.apache.kafka.common.record.TimestampType;

public final class Differential {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String[] PACKAGES = {
        "org.apache.kafka.common.message.",
        "org.apache.kafka.coordinator.group.generated.",
        "org.apache.kafka.coordinator.transaction.generated.",
        "org.apache.kafka.raft.generated.",
    };

    /** A generated class with its converter. */
    private record Generated(Class<?> type, Method toJson, Method fromJson) { }

    private static final Map<String, Generated> KNOWN = new HashMap<>();

    public static void main(String[] arguments) throws Exception {
        DataInputStream in = new DataInputStream(new BufferedInputStream(System.in, 1 << 16));
        DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out, 1 << 16));
        while (true) {
            byte[] frame;
            try {
                if (in.available() == 0) out.flush();
                frame = new byte[in.readInt()];
            } catch (EOFException closed) {
                return;
            }
            in.readFully(frame);
            byte status = 0;
            byte[] answer;
            try {
                answer = answer(ByteBuffer.wrap(frame));
            } catch (Throwable refused) {
                Throwable cause = refused instanceof InvocationTargetException ? refused.getCause() : refused;
                status = 1;
                answer = String.valueOf(cause).getBytes(StandardCharsets.UTF_8);
            }
            out.writeInt(answer.length + 1);
            out.writeByte(status);
            out.write(answer);
        }
    }

    private static byte[] answer(ByteBuffer frame) throws Exception {
        switch (frame.get()) {
            case 'D': return decode(frame);
            case 'E': return encode(frame);
            case 'A': return bytes(apis());
            case 'B': return build(JSON.readTree(rest(frame)));
            case 'R': return bytes(read(rest(frame)));
            default: throw new IllegalArgumentException("unknown operation");
        }
    }

    /** name, version, message bytes: gives the bytes left over, the message as JSON, and the message encoded again. */
    private static byte[] decode(ByteBuffer frame) throws Exception {
        Generated generated = generated(text(frame));
        short version = frame.getShort();
        Message message = (Message) generated.type.getDeclaredConstructor().newInstance();
        ByteBuffer body = ByteBuffer.wrap(rest(frame));
        message.read(new ByteBufferAccessor(body), version);
        byte[] json = bytes((JsonNode) generated.toJson.invoke(null, message, version, false));
        ByteBuffer again = encodedAgain(message, version);
        ByteBuffer answer = ByteBuffer.allocate(8 + json.length + again.remaining());
        return answer.putInt(body.remaining()).putInt(json.length).put(json).put(again).array();
    }

    /** Empty where Kafka reads what it will not write: unknown tags out of order. */
    private static ByteBuffer encodedAgain(Message message, short version) {
        try {
            return MessageUtil.toByteBuffer(message, version);
        } catch (RuntimeException unwritable) {
            return ByteBuffer.allocate(0);
        }
    }

    /** name, version, version that the JSON is of, JSON: gives the message's bytes. */
    private static byte[] encode(ByteBuffer frame) throws Exception {
        Generated generated = generated(text(frame));
        short version = frame.getShort();
        short jsonVersion = frame.getShort();
        Message message = (Message) generated.fromJson.invoke(null, JSON.readTree(rest(frame)), jsonVersion);
        ByteBuffer encoded = MessageUtil.toByteBuffer(message, version);
        byte[] answer = new byte[encoded.remaining()];
        encoded.get(answer);
        return answer;
    }

    private static Generated generated(String name) throws Exception {
        Generated known = KNOWN.get(name);
        if (known != null) return known;
        for (String prefix : PACKAGES) {
            for (String suffix : new String[] {"Data", ""}) {
                try {
                    Class<?> type = Class.forName(prefix + name + suffix);
                    Class<?> converter = Class.forName(prefix + name + suffix + "JsonConverter");
                    known = new Generated(type, converter.getMethod("write", type, short.class, boolean.class),
                        converter.getMethod("read", JsonNode.class, short.class));
                    KNOWN.put(name, known);
                    return known;
                } catch (ClassNotFoundException elsewhere) {
                    // The next package may have it.
                }
            }
        }
        throw new ClassNotFoundException(name);
    }

    /** Every api with its versions and header versions, and every error code. */
    private static JsonNode apis() {
        ObjectNode all = JSON.createObjectNode();
        ArrayNode apis = all.putArray("apis");
        for (ApiKeys key : ApiKeys.values()) {
            ObjectNode api = apis.addObject();
            api.put("key", key.id).put("name", key.messageType.name).put("low", key.messageType.lowestSupportedVersion())
                .put("high", key.messageType.highestSupportedVersion(true)).put("stableHigh", key.messageType.highestSupportedVersion(false))
                .put("clusterAction", key.clusterAction).put("forwardable", key.forwardable).put("minMagic", key.minRequiredInterBrokerMagic)
                .put("zk", ApiKeys.zkBrokerApis().contains(key))
                .put("request", ApiMessageType.fromApiKey(key.id).newRequest().getClass().getSimpleName())
                .put("response", ApiMessageType.fromApiKey(key.id).newResponse().getClass().getSimpleName());
            ArrayNode headers = api.putArray("headers");
            for (short version = key.messageType.lowestSupportedVersion(); version <= key.messageType.highestSupportedVersion(true); version++) {
                headers.addArray().add(version).add(key.requestHeaderVersion(version)).add(key.responseHeaderVersion(version));
            }
        }
        ArrayNode errors = all.putArray("errors");
        for (Errors error : Errors.values()) {
            boolean retriable = error.exception() instanceof org.apache.kafka.common.errors.RetriableException;
            errors.addObject().put("code", error.code()).put("name", error.name()).put("retriable", retriable);
        }
        return all;
    }

    /** A batch of magic 2 by MemoryRecordsBuilder, or the batch of a transaction's end. */
    private static byte[] build(JsonNode spec) {
        if (spec.has("marker")) {
            ControlRecordType type = ControlRecordType.valueOf(spec.get("marker").textValue());
            return remaining(MemoryRecords.withEndTransactionMarker(spec.get("baseOffset").longValue(), spec.get("timestamp").longValue(),
                spec.get("partitionLeaderEpoch").intValue(), spec.get("producerId").longValue(), (short) spec.get("producerEpoch").intValue(),
                new EndTransactionMarker(type, spec.get("coordinatorEpoch").intValue())).buffer());
        }
        boolean appendTime = spec.hasNonNull("logAppendTime");
        MemoryRecordsBuilder builder = MemoryRecords.builder(ByteBuffer.allocate(1024), (byte) 2,
            Compression.of(CompressionType.forId(spec.get("codec").intValue())).build(),
            appendTime ? TimestampType.LOG_APPEND_TIME : TimestampType.CREATE_TIME,
            spec.get("baseOffset").longValue(), appendTime ? spec.get("logAppendTime").longValue() : -1L,
            spec.get("producerId").longValue(), (short) spec.get("producerEpoch").intValue(), spec.get("baseSequence").intValue(),
            spec.get("transactional").booleanValue(), spec.get("partitionLeaderEpoch").intValue());
        for (JsonNode record : spec.get("records")) {
            Header[] headers = new Header[record.get("headers").size()];
            for (int index = 0; index < headers.length; index++) {
                JsonNode header = record.get("headers").get(index);
                headers[index] = new RecordHeader(header.get("key").textValue(), binary(header.get("value")));
            }
            builder.appendWithOffset(record.get("offset").longValue(), record.get("timestamp").longValue(), binary(record.get("key")),
                binary(record.get("value")), headers);
        }
        return remaining(builder.build().buffer());
    }

    /** What Kafka finds in batches. */
    private static JsonNode read(byte[] batches) {
        ArrayNode found = JSON.createArrayNode();
        for (MutableRecordBatch batch : MemoryRecords.readableRecords(ByteBuffer.wrap(batches)).batches()) {
            batch.ensureValid();
            ObjectNode node = found.addObject();
            node.put("magic", batch.magic()).put("baseOffset", batch.baseOffset()).put("lastOffset", batch.lastOffset()).put("sizeInBytes", batch.sizeInBytes())
                .put("partitionLeaderEpoch", batch.partitionLeaderEpoch()).put("crc", batch.checksum()).put("codec", batch.compressionType().id)
                .put("isLogAppendTime", batch.timestampType() == TimestampType.LOG_APPEND_TIME).put("maxTimestamp", batch.maxTimestamp())
                .put("producerId", batch.producerId()).put("producerEpoch", batch.producerEpoch()).put("baseSequence", batch.baseSequence())
                .put("lastSequence", batch.lastSequence()).put("isTransactional", batch.isTransactional()).put("isControl", batch.isControlBatch())
                .put("recordCount", batch.countOrNull());
            ArrayNode records = node.putArray("records");
            for (Record record : batch) {
                ObjectNode one = records.addObject();
                one.put("offset", record.offset()).put("timestamp", record.timestamp()).put("key", copy(record.key())).put("value", copy(record.value()));
                ArrayNode headers = one.putArray("headers");
                for (Header header : record.headers()) headers.addObject().put("key", header.key()).put("value", header.value());
            }
        }
        return found;
    }

    private static byte[] binary(JsonNode node) {
        return node.isNull() ? null : java.util.Base64.getDecoder().decode(node.textValue());
    }

    private static byte[] copy(ByteBuffer buffer) {
        return buffer == null ? null : remaining(buffer.duplicate());
    }

    private static byte[] remaining(ByteBuffer buffer) {
        byte[] copied = new byte[buffer.remaining()];
        buffer.get(copied);
        return copied;
    }

    private static byte[] rest(ByteBuffer frame) {
        return remaining(frame);
    }

    private static String text(ByteBuffer frame) {
        byte[] name = new byte[frame.getShort()];
        frame.get(name);
        return new String(name, StandardCharsets.UTF_8);
    }

    private static byte[] bytes(JsonNode node) {
        return node.toString().getBytes(StandardCharsets.UTF_8);
    }
}
