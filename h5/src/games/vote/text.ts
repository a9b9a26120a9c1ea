import { translator } from '../../shell/locale'
import { en } from './messages/en'
import { zh } from './messages/zh-CN'

/** The vote's own texts. */
export const t = translator(zh, en)
