// Kubernetes quantities ("500m", "64Gi", "1e3") as numbers and back.

const SUFFIXES: { readonly [suffix: string]: number } = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** A quantity that is not negative. */
export const QUANTITY = /^(\d+(?:\.\d*)?|\.\d+)(?:([eE][+-]?\d{1,2})|([numkMGTPE]|[KMGTPE]i))?$/;

/** In base units: cores, bytes, cards. Undefined for a text that is no quantity. */
export function parseQuantity(text: string): number | undefined {
  const [, digits, exponent = "", suffix] = QUANTITY.exec(text) ?? [];
  if (digits === undefined) return undefined;
  return Number(`${digits}${exponent}`) * (suffix === undefined ? 1 : (SUFFIXES[suffix] ?? 1));
}

/** 1.5 cores are "1500m", rounded up to a thousandth: the smallest that Kubernetes knows. */
export function cpuQuantity(cores: number): string {
  const milli = Math.ceil(Number((cores * 1_000).toFixed(6)));
  return milli % 1_000 === 0 ? String(milli / 1_000) : `${milli}m`;
}

/** Whole bytes in the largest unit that holds them exactly. */
export function byteQuantity(bytes: number): string {
  const whole = Math.ceil(bytes);
  const unit = ["Gi", "Mi", "Ki"].find((name) => whole > 0 && whole % (SUFFIXES[name] ?? 1) === 0);
  return unit === undefined ? String(whole) : `${whole / (SUFFIXES[unit] ?? 1)}${unit}`;
}
