import { lang } from '../../shell/locale'
import { board } from './cardart'
import { name as names } from './messages/name'

/** How the lobby shows the game. */
export const art = board()
export const name = (): string => names[lang.value]
