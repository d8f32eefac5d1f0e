// Writes schema/dispatch.schema.json, with which editors complete and check dispatch.yaml.
import { writeFileSync } from "node:fs";
import { configJsonSchema } from "../shared/config/schema.ts";

const file = new URL("../schema/dispatch.schema.json", import.meta.url);
writeFileSync(file, `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
