export function buildLoadClient(): string;
