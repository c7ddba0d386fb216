import { asProblem, type Problem } from "../api/problem";

/** One thing fetched from the server; a later `load` wins over an earlier one that answers late. */
export class Resource<T> {
  value = $state.raw<T | undefined>();
  problem = $state.raw<Problem | undefined>();
  loading = $state(false);
  #latest = 0;
  #fetch: () => Promise<T>;

  constructor(fetch: () => Promise<T>) {
    this.#fetch = fetch;
  }

  load = (): Promise<void> => this.#ask((problem) => (this.problem = problem));

  /** Brings it up to date, unless it is being asked for; a failure leaves all as it is: the next one tries again. */
  refresh = async (): Promise<void> => {
    if (!this.loading) await this.#ask(() => undefined);
  };

  async #ask(fail: (problem: Problem) => void): Promise<void> {
    const turn = ++this.#latest;
    this.loading = true;
    try {
      const value = await this.#fetch();
      if (turn !== this.#latest) return;
      this.value = value;
      this.problem = undefined;
    } catch (error) {
      if (turn === this.#latest) fail(asProblem(error));
    } finally {
      if (turn === this.#latest) this.loading = false;
    }
  }
}
