// What is wrong with the configuration or the environment of a function, all of it in one message.
import { type ConfigFault, formatFaults } from "../../shared/config/config.ts";

export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly faults: readonly ConfigFault[];
  constructor(faults: readonly ConfigFault[]) {
    super(`This function cannot start:\n${formatFaults(faults)}`);
    this.faults = faults;
  }
}
