import { call } from '../../shell/api'
import { token } from '../../shell/member'
import type { Kept, Won } from '../../shell/wire'

/** Where a prize is to be sent; the server says which of these do not fit. */
export interface Address {
  name: string
  phone: string
  region: string
  address: string
}

const NOWHERE: Address = { name: '', phone: '', region: '', address: '' }
let typed: { by: string | null; address: Address } = { by: null, address: NOWHERE }

const path = (won: Won, what: string): string =>
  `/api/me/prizes/${encodeURIComponent(won.room)}/${encodeURIComponent(won.prize)}/${won.unit}/${what}`

/** What this member typed last in this very page: it is kept nowhere else. */
export function typedBefore(): Address {
  return { ...(typed.by === token() ? typed.address : NOWHERE) }
}

/** Says where to send it. Raises Refused: bad_request (by field), claim_expired, already_shipped, bad_state. */
export async function giveAddress(won: Won, address: Address): Promise<Kept> {
  const kept = await call<Kept>(path(won, 'address'), address, token())
  typed = { by: token(), address: { ...address } }
  return kept
}

/** Says that it has come. Raises Refused: bad_state. */
export function received(won: Won): Promise<Kept> {
  return call<Kept>(path(won, 'received'), {}, token())
}
