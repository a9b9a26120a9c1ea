import { openPacket } from '../../shell/art/packet'
import { t } from './text'

/** How the lobby shows the game. */
export const art = openPacket()
export const name = (): string => t('name')
