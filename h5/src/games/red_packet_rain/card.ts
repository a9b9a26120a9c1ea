import { openPacket } from '../../shell/art/packet'
import { lang } from '../../shell/locale'
import { name as names } from './messages/name'

/** How the lobby shows the game. */
export const art = openPacket()
export const name = (): string => names[lang.value]
