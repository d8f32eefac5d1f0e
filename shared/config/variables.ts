// Names of environment variables, and the ones that an endpoint gives its workers.
import * as z from "zod";

export const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/);

export const programEnvFields = {
  env: z
    .record(variable, z.string())
    .default({})
    .describe(
      "Further environment variables of its workers: names in letters, digits and _, values as texts, in quotes where they look like something else; no secrets",
    ),
  secrets: z
    .record(variable, variable)
    .default({})
    .describe(
      "Secrets of its command: a variable of the program, and the dispatcher's variable that holds it, or whose _FILE names its file; names in letters, digits and _",
    ),
};
