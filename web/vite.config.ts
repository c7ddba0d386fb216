import { env } from "node:process";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

const server = env.FOTOFILA_URL ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: "../src/fotofila/api/static",
    emptyOutDir: true,
    target: "es2022",
    // The content security policy allows no inline script; modern browsers need no preload polyfill.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  server: { proxy: { "/api": server, "/docs": server, "/openapi.json": server } },
  test: { include: ["tests/**/*.test.ts"] },
});
