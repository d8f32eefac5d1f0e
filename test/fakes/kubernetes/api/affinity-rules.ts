// The API server's rules for node affinity: of fields only the name, one value each; weights from 1 to 100.
import type { Json } from "../objects.ts";
import { type Cause, required } from "./status.ts";

export function affinityCauses(affinity: Json = {}, at: string): Cause[] {
  const required: Json[] = affinity.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const preferred: Json[] = affinity.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return [
    ...required.flatMap((term, index) =>
      termCauses(term, `${at}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${index}]`),
    ),
    ...preferred.flatMap(({ weight, preference }, index) => {
      const field = `${at}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
      return [
        ...invalid(weight >= 1 && weight <= 100, `${field}.weight`, weight, "must be in the range 1-100"),
        ...termCauses(preference, `${field}.preference`),
      ];
    }),
  ];
}

/** pkg/apis/core/validation/validation.go, ValidateNodeFieldSelectorRequirement. */
const ONE_VALUE = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";

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
      ...(values.length === 1 ? [] : [required(`${field}.values`, ONE_VALUE)]),
    ];
  });
}

function invalid(holds: boolean, field: string, value: unknown, why: string): Cause[] {
  return holds ? [] : [{ reason: "FieldValueInvalid", field, message: `Invalid value: "${value}": ${why}` }];
}
