// AWS Signature Version 4 for one request, by AWS's own implementation over node:crypto.
// A bundler must take its ES module build (esbuild: mainFields module, main): 14 kB, while its CommonJS build is 140 kB.
import { createHash, createHmac, createSecretKey, type Hash, type Hmac, type KeyObject } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";

export type AwsCredentials = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** With temporary credentials, as a Lambda's are. */
  readonly sessionToken?: string | undefined;
};

export type SignableRequest = {
  readonly method: string;
  /** `https:` or `http:` */
  readonly protocol: string;
  readonly hostname: string;
  readonly path: string;
  readonly query?: Record<string, string>;
  /** With `host`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
};

/** Answers all headers to send, `authorization` among them; `at` in epoch milliseconds. */
export type Sign = (request: SignableRequest, at: number) => Promise<SignedHeaders>;

type SignedHeaders = { readonly authorization: string; readonly [name: string]: string };

type SignerOptions = {
  readonly region: string;
  readonly service: string;
  readonly credentials: AwsCredentials;
};

export function createSigner(options: SignerOptions): Sign {
  const signer = signerOf(options);
  return async (request, at) => {
    const { headers, ...rest } = request;
    const signed = await signer.sign({ ...rest, headers: { ...headers } }, { signingDate: new Date(at) });
    return signed.headers as SignedHeaders;
  };
}

/** Answers the whole query of a URL that others may send, with the request's headers; `at` in epoch milliseconds. */
export type Presign = (
  request: SignableRequest,
  at: number,
  expiresIn: number,
) => Promise<{ [name: string]: string }>;

export function createPresigner(options: SignerOptions): Presign {
  const signer = signerOf(options);
  return async ({ headers, ...rest }, at, expiresIn) => {
    const request = { ...rest, headers: { ...headers } };
    const signed = await signer.presign(request, { signingDate: new Date(at), expiresIn });
    return signed.query as { [name: string]: string };
  };
}

function signerOf({ region, service, credentials }: SignerOptions): SignatureV4 {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  return new SignatureV4({
    region,
    service,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    sha256: NodeSha256,
    // The signature covers the body's hash anyway; only S3 wants it in a header too.
    applyChecksum: false,
  });
}

/** SHA-256, or HMAC with it when there is a secret, in the form that the signer builds with `new`. */
class NodeSha256 {
  readonly #secret: string | ArrayBuffer | ArrayBufferView | undefined;
  #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#secret = secret;
    this.#hash = newHash(secret);
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    this.#hash = newHash(this.#secret);
  }
}

function newHash(secret: string | ArrayBuffer | ArrayBufferView | undefined): Hash | Hmac {
  if (secret === undefined) return createHash("sha256");
  return createHmac("sha256", typeof secret === "string" ? secret : keyOf(secret));
}

/**
 * The signer keeps its key of the day as bytes. Node 24 takes 14 us for an HMAC with bytes and 3 with a key object, which
 * this keeps for as long as the signer keeps the bytes.
 */
function keyOf(bytes: ArrayBuffer | ArrayBufferView): KeyObject {
  const known = keys.get(bytes);
  if (known !== undefined) return known;
  const key = createSecretKey(bytesOf(bytes));
  keys.set(bytes, key);
  return key;
}

const keys = new WeakMap<ArrayBuffer | ArrayBufferView, KeyObject>();

function bytesOf(source: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
}
