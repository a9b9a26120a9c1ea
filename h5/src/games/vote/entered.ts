import { keep, kept } from '../../shell/storage'

/** Whether the member has signed up from this phone, so that only those few ask for their entry. */
const key = (room: string): string => `vote.entered.${room}`

export function hasEntered(room: string): boolean {
  return kept(key(room)) === '1'
}

export function noteEntered(room: string, yes: boolean): void {
  keep(key(room), yes ? '1' : null)
}
