export {
  type Configuration,
  type Connection,
  type Consumer,
  defineConfig,
  env,
  type ManagedInterlock,
  type ManagedSecret,
} from "./app/define-config.ts";
