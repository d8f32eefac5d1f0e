// What Kueue says of a Job that it has not admitted: it stands in the conditions of the Workload that it makes for the Job.
// https://kueue.sigs.k8s.io/docs/concepts/workload/, apis/kueue/v1beta2/workload_types.go

type Condition = {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
};
export type Workload = { readonly status?: { readonly conditions?: readonly Condition[] } };

/** The label by which the Workload of a Job is found: pkg/controller/constants/constants.go. */
export const JOB_UID = "kueue.x-k8s.io/job-uid";

/** What stands before admission, in the order in which Kueue gets there. */
const STEPS = ["QuotaReserved", "Admitted"] as const;

/** Undefined: nothing that explains a wait. */
export function workloadSays({ status }: Workload): string | undefined {
  for (const step of STEPS) {
    const found = status?.conditions?.find(({ type }) => type === step);
    if (found?.status === "False" && found.message) return found.message;
  }
  return undefined;
}
