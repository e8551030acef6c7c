// Running the peer's classes: servers that stay, and tools that end.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { peerClasspath } from './classpath.js';
import { startProgram, type Program } from './program.js';

export interface JavaServer {
  readonly name: string;
  readonly main: string;
  readonly args: readonly string[];
  readonly jvm: readonly string[];
  /** Where the log4j file goes. */
  readonly dir: string;
  readonly ready: RegExp;
  readonly logFile?: string;
  readonly readyTimeoutMs?: number;
}

export async function startJava(server: JavaServer): Promise<Program> {
  const logging = join(server.dir, `${server.name}-log4j.properties`);
  writeFileSync(logging, [
    'log4j.rootLogger=INFO, stdout',
    'log4j.appender.stdout=org.apache.log4j.ConsoleAppender',
    'log4j.appender.stdout.layout=org.apache.log4j.PatternLayout',
    'log4j.appender.stdout.layout.ConversionPattern=%d %p %m (%c)%n',
    '',
  ].join('\n'));
  return startProgram({
    name: server.name,
    command: 'java',
    args: [...server.jvm, `-Dlog4j.configuration=file:${logging}`, '-cp', await peerClasspath(), server.main, ...server.args],
    ready: server.ready,
    ...(server.logFile === undefined ? {} : { logFile: server.logFile }),
    ...(server.readyTimeoutMs === undefined ? {} : { readyTimeoutMs: server.readyTimeoutMs }),
  });
}

export interface ToolResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one of Kafka's or ZooKeeper's command line tools to its end. */
export async function runJavaTool(main: string, args: readonly string[], input = ''): Promise<ToolResult> {
  const child = spawn('java', ['-Xmx512m', '-XX:TieredStopAtLevel=1', '-cp', await peerClasspath(), main, ...args]);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => { stdout += text; });
  child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr += text; });
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, stdout, stderr };
}
