/** Many may be within at once, or one alone: what changes the world of everybody waits until nobody is within. */
export class Gate {
  #within = 0;
  #alone = 0;
  #waiting: (() => void)[] = [];

  async together<T>(action: () => Promise<T>): Promise<T> {
    while (this.#alone > 0) await this.#change();
    this.#within++;
    try {
      return await action();
    } finally {
      this.#within--;
      this.#changed();
    }
  }

  async alone<T>(action: () => Promise<T>): Promise<T> {
    while (this.#alone > 0) await this.#change();
    this.#alone++;
    try {
      while (this.#within > 0) await this.#change();
      return await action();
    } finally {
      this.#alone--;
      this.#changed();
    }
  }

  #change(): Promise<void> {
    return new Promise(resolve => void this.#waiting.push(resolve));
  }

  #changed(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
