// Each partition of AWS has a domain of its own: what is asked for under another one does not exist.
import { expect, test } from "vitest";
import { awsHost } from "../../../shared/adapters/network/aws-host.ts";

test.each([
  ["dynamodb", "eu-central-1", "dynamodb.eu-central-1.amazonaws.com"],
  ["dynamodb", "cn-north-1", "dynamodb.cn-north-1.amazonaws.com.cn"],
  ["ssm", "cn-northwest-1", "ssm.cn-northwest-1.amazonaws.com.cn"],
  ["sts", "us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"],
  ["sts", "us-iso-east-1", "sts.us-iso-east-1.c2s.ic.gov"],
  ["sts", "us-isob-east-1", "sts.us-isob-east-1.sc2s.sgov.gov"],
  ["sts", "eusc-de-east-1", "sts.eusc-de-east-1.amazonaws.eu"],
])("%s in %s", (service, region, host) => {
  expect(awsHost(service, region)).toBe(host);
});
