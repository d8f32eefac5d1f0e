// The API server's rules for node affinity: of fields only the name, one value each; weights from 1 to 100.
import type { Json } from "../objects.ts";
import type { Cause } from "./status.ts";

export function affinityCauses(affinity: Json = {}, at: string): Cause[] {
  const required: Json[] = affinity.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const preferred: Json[] = affinity.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return [
    ...required.flatMap((term, index) => termCauses(term, `${at}.required[${index}]`)),
    ...preferred.flatMap(({ weight, preference }, index) => [
      ...invalid(
        weight >= 1 && weight <= 100,
        `${at}.preferred[${index}].weight`,
        weight,
        "must be in the range 1-100",
      ),
      ...termCauses(preference, `${at}.preferred[${index}].preference`),
    ]),
  ];
}

function termCauses({ matchFields = [] }: Json, at: string): Cause[] {
  return matchFields.flatMap(({ key, operator, values = [] }: Json, index: number) => {
    const field = `${at}.matchFields[${index}]`;
    return [
      ...invalid(key === "metadata.name", `${field}.key`, key, "not a valid field selector key"),
      ...invalid(
        ["In", "NotIn"].includes(operator),
        `${field}.operator`,
        operator,
        "not a valid selector operator",
      ),
      ...invalid(
        values.length === 1,
        `${field}.values`,
        values.join(),
        "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
      ),
    ];
  });
}

function invalid(holds: boolean, field: string, value: unknown, why: string): Cause[] {
  return holds ? [] : [{ reason: "FieldValueInvalid", field, message: `Invalid value: "${value}": ${why}` }];
}
