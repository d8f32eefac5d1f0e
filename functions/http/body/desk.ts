// The room and the pace of all bodies and large answers of one process, and what each tenant may have of them.
import type { Limits } from "../../../shared/config/limits.ts";
import type { TenantSettings } from "../../../shared/domain/admission/tenant.ts";
import { settingsOf } from "../../../shared/domain/admission/tenant.ts";
import type { TenantId } from "../../../shared/domain/ids.ts";
import type { RoomOwner } from "./byte-room.ts";
import { ByteRoom } from "./byte-room.ts";
import type { PaceOwner } from "./pace.ts";
import { createPace } from "./pace.ts";
import type { BodyDesk } from "./read-body.ts";

export type Desk = BodyDesk & {
  /** Of large answers, which are read and sent part by part. */
  readonly answers: ByteRoom;
  readonly ownerOf: (tenant: TenantId, login?: string) => RoomOwner & PaceOwner;
  /** Its workers' bodies leave the room of its clients alone, and are not kept out by them. */
  readonly workersOf: (tenant: TenantId) => RoomOwner & PaceOwner;
};

/** Nothing of a body for so long: whoever sends it is gone. */
const STALL_MS = 15_000;

export function createDesk(
  { limits, tenants }: { readonly limits: Limits; readonly tenants: readonly TenantSettings[] },
  now: () => number = () => performance.now(),
): Desk {
  const ownerOf = (tenant: TenantId, login = "") => {
    const own = settingsOf(tenants, { id: tenant, login });
    const { bytesUnderWay, bytesPerSecond } = limits.tenant;
    return {
      key: tenant,
      bytesUnderWay: own?.bytesUnderWay ?? bytesUnderWay,
      bytesPerSecond: own?.bytesPerSecond ?? bytesPerSecond,
    };
  };
  return {
    room: new ByteRoom(limits.bytesUnderWay),
    answers: new ByteRoom(limits.bytesUnderWay),
    pace: createPace(now),
    json: limits.body,
    stallMs: STALL_MS,
    ownerOf,
    workersOf: (tenant) => ({ ...ownerOf(tenant), key: `workers of ${tenant}` }),
  };
}
