import { lang } from '../../shell/locale'
import { ballotBox } from './cardart'
import { name as names } from './messages/name'

/** How the lobby shows the game. */
export const art = ballotBox()
export const name = (): string => names[lang.value]
