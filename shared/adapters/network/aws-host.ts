// Where a service of AWS answers in a region.

/**
 * The DNS suffix of the region's partition, as CloudFormation's `AWS::URLSuffix` has it; AWS Go and JavaScript SDKs keep
 * the same list (partitions.json).
 */
const SUFFIXES: readonly (readonly [prefix: string, suffix: string])[] = [
  ["cn-", "amazonaws.com.cn"],
  ["us-iso-", "c2s.ic.gov"],
  ["us-isob-", "sc2s.sgov.gov"],
  ["us-isof-", "csp.hci.ic.gov"],
  ["eu-isoe-", "cloud.adc-e.uk"],
  ["eusc-", "amazonaws.eu"],
];

/** Such as `dynamodb.cn-north-1.amazonaws.com.cn`. */
export function awsHost(service: string, region: string): string {
  const [, suffix] = SUFFIXES.find(([prefix]) => region.startsWith(prefix)) ?? ["", "amazonaws.com"];
  return `${service}.${region}.${suffix}`;
}
