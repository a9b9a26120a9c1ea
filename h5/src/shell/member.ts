import { keep, kept } from './storage'

const TOKEN = 'member.token'
const NAME = 'member.name'

export function token(): string | null {
  return kept(TOKEN)
}

export function memberName(): string {
  return kept(NAME) ?? ''
}

export function signedIn(newToken: string, name: string): void {
  keep(TOKEN, newToken)
  keep(NAME, name)
}

export function signedOut(): void {
  keep(TOKEN, null)
}
