/** The value below which the share `p` of the values lies (nearest rank), rounded to a tenth. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(sorted.length * p) - 1)];
  return Math.round((value ?? Number.NaN) * 10) / 10;
}
