export interface Toast {
  id: number;
  tone: "info" | "bad";
  text: string;
}

const SHOWN_MS = 6_000;

class Toasts {
  items = $state<Toast[]>([]);
  #next = 0;

  say(text: string, tone: Toast["tone"] = "info"): void {
    const id = this.#next++;
    this.items.push({ id, tone, text });
    setTimeout(() => this.dismiss(id), tone === "bad" ? SHOWN_MS * 2 : SHOWN_MS);
  }

  dismiss(id: number): void {
    this.items = this.items.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
