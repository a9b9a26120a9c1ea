import type { Kept, Won } from '../../shell/wire'

const NOWHERE: Kept = {
  state: null,
  code: null,
  code_expires_at: null,
  redemption_code: null,
  claim_by: null,
  carrier: null,
  tracking: null,
  address_masked: null,
  reason: null,
}

/** A settled win of a mug, or what is said of it instead. */
export function wonOf(fields: Partial<Won> = {}): Won {
  return {
    room: 'r1', room_title: 'Lucky day', prize: 'mug', name: 'Mug', kind: 'physical', amount: 0, unit: 7, granted_at: 0,
    settled: true, refused: null, credited: null, receipt: '', ...NOWHERE, ...fields,
  }
}
