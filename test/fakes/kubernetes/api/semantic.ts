// The API server's own rules for metadata, Jobs and pods, with its messages; those that a driver could break.

import type { Json } from "../objects.ts";
import { affinityCauses } from "./affinity-rules.ts";
import { type Cause, required } from "./status.ts";

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?$/;
const QUALIFIED = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$/;
const QUANTITY = /^\d+(\.\d+)?([eE]\d+|[numkMGTPE]|[KMGTPE]i)?$/;
const MAX_LABEL = 63;
const MAX_INT32 = 2 ** 31 - 1;

export function metadataCauses(metadata: Json = {}, at = "metadata"): Cause[] {
  const { name, labels = {}, annotations = {} } = metadata;
  return [
    ...check(
      name === undefined || DNS_SUBDOMAIN.test(name),
      `${at}.name`,
      name,
      "a lowercase RFC 1123 subdomain",
    ),
    ...Object.entries<string>(labels).flatMap(([key, value]) => [
      ...check(QUALIFIED.test(key), `${at}.labels`, key, "a qualified name"),
      ...check(LABEL_VALUE.test(value), `${at}.labels`, value, "a valid label value"),
    ]),
    ...Object.keys(annotations).flatMap((key) =>
      check(QUALIFIED.test(key.toLowerCase()), `${at}.annotations`, key, "a qualified name"),
    ),
  ];
}

/** pkg/apis/batch/validation/validation.go, ValidateJobSpec. */
export function jobCauses({ metadata = {}, spec }: Json): Cause[] {
  const { template, backoffLimit, ttlSecondsAfterFinished, completions, parallelism } = spec;
  const counts = { backoffLimit, ttlSecondsAfterFinished, completions, parallelism };
  const policy = template.spec?.restartPolicy;
  return [
    ...Object.entries(counts).flatMap(([name, value]) =>
      check(value === undefined || value >= 0, `spec.${name}`, value, "greater than or equal to 0"),
    ),
    // The server writes the name into a label of the pods.
    ...check(
      (metadata.name ?? "").length <= MAX_LABEL,
      "spec.template.labels",
      metadata.name,
      `no more than ${MAX_LABEL} bytes`,
    ),
    ...restartCauses(policy),
    ...metadataCauses({ ...template.metadata, name: undefined }, "spec.template.metadata"),
    ...podCauses(template.spec, "spec.template.spec"),
  ];
}

function restartCauses(policy: string | undefined): Cause[] {
  if (policy === "Never" || policy === "OnFailure") return [];
  return [required("spec.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"')];
}

const CONFIG_KEY = /^[-._a-zA-Z0-9]{1,253}$/;
const MAX_SECRET_BYTES = 1024 * 1024;

/** pkg/apis/core/validation/validation.go, ValidateSecret; k8s.io/apimachinery, IsConfigMapKey and field.TooLong. */
export function secretCauses({ data = {}, stringData = {} }: Json): Cause[] {
  const sizes = [
    ...Object.values<string>(data).map((value) => Buffer.from(value, "base64").length),
    ...Object.values<string>(stringData).map((value) => Buffer.byteLength(value)),
  ];
  const message = `Too long: may not be more than ${MAX_SECRET_BYTES} bytes`;
  const isTooLong = sizes.reduce((sum, size) => sum + size, 0) > MAX_SECRET_BYTES;
  return [
    ...Object.keys({ ...data, ...stringData }).flatMap((key) => {
      if (CONFIG_KEY.test(key)) return [];
      const why =
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
      return [
        { reason: "FieldValueInvalid", field: `data[${key}]`, message: `Invalid value: "${key}": ${why}` },
      ];
    }),
    ...(isTooLong ? [{ reason: "FieldValueTooLong", field: "data", message }] : []),
  ];
}

export function podCauses(spec: Json = {}, at: string): Cause[] {
  const { containers = [], volumes = [], activeDeadlineSeconds: deadline } = spec;
  const names: string[] = containers.map(({ name }: Json) => name);
  return [
    ...(containers.length > 0 ? [] : [required(`${at}.containers`)]),
    ...check(new Set(names).size === names.length, `${at}.containers`, names.join(), "unique names"),
    ...check(
      deadline === undefined || (deadline >= 1 && deadline <= MAX_INT32),
      `${at}.activeDeadlineSeconds`,
      deadline,
      `between 1 and ${MAX_INT32}, inclusive`,
    ),
    ...volumes.flatMap(({ name }: Json, index: number) =>
      check(DNS_LABEL.test(name), `${at}.volumes[${index}].name`, name, "a lowercase RFC 1123 label"),
    ),
    ...containers.flatMap((container: Json, index: number) =>
      containerCauses(container, volumes, `${at}.containers[${index}]`),
    ),
    ...affinityCauses(spec.affinity?.nodeAffinity, `${at}.affinity.nodeAffinity`),
  ];
}

function containerCauses(container: Json, volumes: Json[], at: string): Cause[] {
  const { name, image, volumeMounts = [], envFrom = [], resources = {}, securityContext = {} } = container;
  const paths: string[] = volumeMounts.map(({ mountPath }: Json) => mountPath);
  const known = new Set(volumes.map((volume) => volume.name));
  return [
    ...check(DNS_LABEL.test(name), `${at}.name`, name, "a lowercase RFC 1123 label"),
    ...(image ? [] : [required(`${at}.image`)]),
    ...check(new Set(paths).size === paths.length, `${at}.volumeMounts`, paths.join(), "unique"),
    ...volumeMounts.flatMap((mount: Json, index: number) =>
      known.has(mount.name)
        ? []
        : [
            {
              reason: "FieldValueNotFound",
              field: `${at}.volumeMounts[${index}].name`,
              message: `Not found: "${mount.name}"`,
            },
          ],
    ),
    ...envFrom.flatMap(({ secretRef }: Json, index: number) =>
      check(DNS_SUBDOMAIN.test(secretRef?.name ?? ""), `${at}.envFrom[${index}]`, secretRef?.name, "a name"),
    ),
    ...resourceCauses(resources, `${at}.resources`),
    ...privilegeCauses(securityContext, `${at}.securityContext`),
  ];
}

function resourceCauses({ requests = {}, limits = {} }: Json, at: string): Cause[] {
  const all = Object.entries<string>({ ...requests, ...limits });
  return [
    ...all.flatMap(([name, value]) =>
      check(QUANTITY.test(value), `${at}.limits[${name}]`, value, "a quantity"),
    ),
    ...all.flatMap(([name]) => {
      if (!name.includes("/")) return [];
      const field = `${at}.requests`;
      if (limits[name] === undefined)
        return [required(`${at}.limits`, "Limit must be set for non overcommitable resources")];
      const message = `Invalid value: "${requests[name]}": must be equal to ${name} limit of ${limits[name]}`;
      const same = requests[name] === undefined || requests[name] === limits[name];
      return [
        ...(same ? [] : [{ reason: "FieldValueInvalid", field, message }]),
        ...check(/^\d+$/.test(limits[name]), `${at}.limits[${name}]`, limits[name], "an integer"),
      ];
    }),
  ];
}

function privilegeCauses({ allowPrivilegeEscalation, privileged, capabilities }: Json, at: string): Cause[] {
  if (allowPrivilegeEscalation !== false) return [];
  const field = at;
  const cannot = (what: string) => ({
    reason: "FieldValueInvalid",
    field,
    message: `Invalid value: cannot set \`allowPrivilegeEscalation\` to false and ${what}`,
  });
  return [
    ...(privileged === true ? [cannot("`privileged` to true")] : []),
    ...(capabilities?.add?.includes("CAP_SYS_ADMIN") ? [cannot("`capabilities.Add` CAP_SYS_ADMIN")] : []),
  ];
}

function check(fine: boolean, field: string, value: Json, rule: string): Cause[] {
  if (fine) return [];
  return [{ reason: "FieldValueInvalid", field, message: `Invalid value: "${value}": must be ${rule}` }];
}
