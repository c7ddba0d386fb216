import { parseHash, type Route } from "./lib/route";

class Router {
  route = $state.raw<Route>(parseHash(location.hash));

  constructor() {
    addEventListener("hashchange", () => (this.route = parseHash(location.hash)));
  }

  go(target: string): void {
    location.hash = target;
  }

  /** Changes the address without a new entry in the history: for filters and selections. */
  replace(target: string): void {
    history.replaceState(null, "", target);
    this.route = parseHash(target);
  }
}

export const router = new Router();
