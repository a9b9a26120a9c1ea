import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'

type Folder = Record<string, Record<string, string>>
const files = import.meta.glob<Record<string, Record<string, string>>>('../**/messages/*.ts', { eager: true })

const folders: Record<string, Folder> = {}
for (const [path, exported] of Object.entries(files)) {
  const [, folder = '', lang = ''] = /^(.*)\/messages\/(.*)\.ts$/.exec(path) ?? []
  folders[folder] = { ...folders[folder], [lang]: Object.values(exported)[0] ?? {} }
}

const games = readdirSync(new URL('../games', import.meta.url))

test('the shell, its sheets and every game have messages', () => {
  expect(Object.keys(folders).sort()).toEqual(['.', '../play/sheets', ...games.map((game) => `../games/${game}`)].sort())
})

test.each(Object.entries(folders))('%s says the same things in both languages', (_folder, langs) => {
  const { 'zh-CN': zh = {}, en = {} } = langs
  expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort())
  const places = (text = ''): string[] => (text.match(/\{\w+\}/g) ?? []).sort()
  for (const key of Object.keys(zh)) {
    expect(zh[key], key).not.toBe('')
    expect(en[key], key).not.toBe('')
    expect(places(zh[key]), key).toEqual(places(en[key]))
  }
})
