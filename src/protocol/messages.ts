/** Every message of Kafka 3.9: a codec and a type of the same name, see ./generated/messages.ts (run `npm run generate`). */
export * from './generated/messages.js';
