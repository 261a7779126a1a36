export { defineConfig, env } from "./app/define-config.ts";
