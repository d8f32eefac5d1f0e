// Reads the App's private key in the forms in which people store it.
import { createPrivateKey, type KeyObject } from "node:crypto";
import { type Redacted, reveal } from "../../redacted.ts";

/**
 * Takes PKCS#1 (as GitHub gives it) or PKCS#8 PEM, with real or literal `\n` line breaks, or that PEM in base64.
 * Throws a sentence that says what is wrong with it, without any of its text.
 */
export function parseAppKey(secret: Redacted): KeyObject {
  const pem = unwrap(reveal(secret));
  if (!pem.includes("-----BEGIN")) {
    throw new Error(
      "The GitHub App's private key is not a PEM text. Use the whole .pem file that GitHub gave you when the key was created, from -----BEGIN to -----END, or that file in base64.",
    );
  }
  if (!pem.includes("-----END")) {
    throw new Error(
      "The GitHub App's private key is cut off: its -----END line is missing. In an .env file write it on one line with \\n for each line break, or name the file in GITHUB_APP_PRIVATE_KEY_FILE.",
    );
  }
  return rsaKey(pem);
}

function rsaKey(pem: string): KeyObject {
  const key = decode(pem);
  if (key.asymmetricKeyType !== "rsa") {
    throw new Error(
      `The GitHub App's private key is of type ${key.asymmetricKeyType}; GitHub signs with RSA. Create a key under the App's settings, "Private keys".`,
    );
  }
  return key;
}

function decode(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    const { code } = cause as { code?: string };
    throw new Error(
      `The GitHub App's private key cannot be read (${code ?? "unknown format"}): it is damaged, encrypted or not a private key. Create a new one under the App's settings, "Private keys".`,
      { cause },
    );
  }
}

function unwrap(text: string): string {
  const plain = unfold(text);
  if (plain.includes("-----BEGIN")) return plain;
  return unfold(Buffer.from(plain, "base64").toString("utf8"));
}

function unfold(text: string): string {
  return text.replaceAll("\\n", "\n").replaceAll("\r", "").trim();
}
