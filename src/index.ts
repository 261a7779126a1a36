export {
  type Configuration,
  type Connection,
  type Consumer,
  defineConfig,
  env,
  type ManagedSecret,
} from "./app/define-config.ts";
