// The App's private key in every form in which people store it, and the sentences for those that cannot work.
import { generateKeyPairSync } from "node:crypto";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { parseAppKey } from "../../../shared/adapters/github/app-key.ts";
import { redact } from "../../../shared/redacted.ts";
import { PEM, startBench } from "./github-server.ts";

describe("the private key", () => {
  const pkcs8 = generateKeyPairSync("rsa", { modulusLength: 2048 })
    .privateKey.export({ type: "pkcs8", format: "pem" })
    .toString();

  test.each([
    ["PKCS#1", PEM],
    ["PKCS#8", pkcs8],
    ["literal \\n", PEM.replaceAll("\n", "\\n")],
    ["Windows line ends", PEM.replaceAll("\n", "\r\n")],
    ["base64", Buffer.from(PEM).toString("base64")],
    ["base64 of literal \\n", Buffer.from(PEM.replaceAll("\n", "\\n")).toString("base64")],
  ])("%s is read", (_name, text) => {
    expect(parseAppKey(redact(text)).asymmetricKeyType).toBe("rsa");
  });

  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  test.each([
    ["no key", "hello world", /not a PEM text/],
    ["first line only", "-----BEGIN RSA PRIVATE KEY-----", /cut off/],
    ["damaged", PEM.replace(/\n.{20}/, "\n####"), /cannot be read/],
    ["another kind", ec.export({ type: "pkcs8", format: "pem" }).toString(), /of type ec/],
  ])("%s is refused with a sentence and without its text", (_name, text, sentence) => {
    const error = (() => {
      try {
        return parseAppKey(redact(text));
      } catch (thrown) {
        return thrown as Error;
      }
    })();
    expect(String(error)).toMatch(sentence);
    for (const line of text.split("\n").filter((part) => part.length > 30 && !part.startsWith("-"))) {
      expect(inspect(error)).not.toContain(line);
    }
  });

  test("a bad key fails at construction", async () => {
    await expect(startBench({}, { app: { appId: "42", privateKey: redact("nope") } })).rejects.toThrow(
      /private key is not a PEM/,
    );
  });
});
