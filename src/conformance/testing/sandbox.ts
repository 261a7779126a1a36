import type { testSandbox } from "../../sandbox/testing.ts";
import type { HttpVendor } from "../../sandbox/world.ts";
import { clockOf } from "../../vendors/testing.ts";
import type { VendorWorld } from "../supplied.ts";

type Sandboxed = Awaited<ReturnType<typeof testSandbox>>;

/** The parts of a world that one vendor of a sandbox gives. */
export function doorOf(
  { sandbox, clock }: Sandboxed,
  vendor: HttpVendor,
): Pick<VendorWorld, "baseUrl" | "clock" | "send" | "pass" | "refusal"> {
  const send = (request: Request) => sandbox.fetch(vendor, request);
  return {
    baseUrl: `http://${vendor}.sandbox`,
    clock: clockOf(clock),
    send,
    pass: (ms) => clock.advance(ms),
    refusal(status, message) {
      sandbox.control.addFault({ kind: "status", vendor, status, message });
      // A GET meets the fault before anything else can.
      return send(new Request(`http://${vendor}.sandbox/`));
    },
  };
}
