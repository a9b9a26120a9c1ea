import { lang } from '../../shell/locale'
import { wheelCard } from './art/card'
import { name as names } from './messages/name'

/** How the lobby shows the game. */
export const art = wheelCard()
export const name = (): string => names[lang.value]
