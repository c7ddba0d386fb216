import { api, ok, whenSignedOut } from "./api/client";
import { live } from "./api/live.svelte";
import { asProblem, type Problem } from "./api/problem";
import type { Scope, Session } from "./api/types";

type Phase = "unknown" | "signed-out" | "signed-in" | "unreachable";

class SessionStore {
  phase = $state<Phase>("unknown");
  session = $state.raw<Session | null>(null);
  problem = $state.raw<Problem | null>(null);

  constructor() {
    whenSignedOut(() => this.#clear());
  }

  may(scope: Scope): boolean {
    return this.session?.scopes.includes(scope) ?? false;
  }

  async restore(): Promise<void> {
    try {
      this.#enter(await ok(api.GET("/api/session")));
    } catch (error) {
      this.problem = asProblem(error);
      if (this.problem.status === 401 || this.problem.status === 403) this.#clear();
      else this.phase = "unreachable";
    }
  }

  async signIn(username: string, password: string): Promise<void> {
    this.#enter(await ok(api.POST("/api/session", { body: { username, password } })));
  }

  async signInWithLink(token: string): Promise<void> {
    this.#enter(await ok(api.POST("/api/session/link", { body: { token } })));
  }

  async signOut(): Promise<void> {
    await ok(api.DELETE("/api/session"));
    this.#clear();
  }

  #enter(session: Session): void {
    this.session = session;
    this.problem = null;
    this.phase = "signed-in";
    live.open();
  }

  #clear(): void {
    this.session = null;
    this.phase = "signed-out";
    live.close();
  }
}

export const session = new SessionStore();
