import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { ManifestSet } from '@weir/adapters/manifests/set.js'
import { watchManifests } from '@weir/adapters/manifests/watch.js'
import { expect } from 'chai'
import { inFolder, namespace } from './folder.js'

const settles = async (condition: () => boolean): Promise<boolean> => {
  for (let waited = 0; waited < 3000 && !condition(); waited += 10) await pause(10)
  return condition()
}

/** Follows a path and tells when the objects' names are these. */
const followingBy = async (
  notices: 'auto' | 'gathered',
  path: string,
  test: (settlesAt: (names: readonly string[]) => Promise<ManifestSet>, sets: readonly ManifestSet[]) => Promise<void>,
  rescanMs = 60_000,
) => {
  const sets: ManifestSet[] = []
  const subscription = watchManifests(path, { settleMs: 20, rescanMs, notices }).subscribe(set => sets.push(set))
  const settlesAt = async (names: readonly string[]): Promise<ManifestSet> => {
    const found = () => sets.at(-1)?.objects.map(({ object }) => object.name)
    if (await settles(() => JSON.stringify(found()) === JSON.stringify(names))) return sets.at(-1)!
    throw new Error(`the last set has ${JSON.stringify(found())} instead of ${JSON.stringify(names)}`)
  }
  try {
    await test(settlesAt, sets)
  } finally {
    subscription.unsubscribe()
  }
}

for (const notices of ['auto', 'gathered'] as const)
  describe(`manifests: watching a folder, ${notices} notices`, () => {
    const following = (
      path: string,
      test: (
        settlesAt: (names: readonly string[]) => Promise<ManifestSet>,
        sets: readonly ManifestSet[],
      ) => Promise<void>,
      rescanMs?: number,
    ) => followingBy(notices, path, test, rescanMs)

    it('follows writes in place and by rename, new folders, moves and deletions', async () => {
      await inFolder({ 'm/a.yaml': namespace('a') }, async folder => {
        const at = (name: string) => join(folder, 'm', name)
        await following(at('.'), async settlesAt => {
          await settlesAt(['a'])
          await writeFile(at('a.yaml'), namespace('a1'))
          await settlesAt(['a1'])
          await writeFile(at('.a.yaml.swp'), namespace('a2'))
          await rename(at('.a.yaml.swp'), at('a.yaml'))
          await settlesAt(['a2'])
          await mkdir(at('sub'))
          await writeFile(at('sub/b.yml'), namespace('b'))
          await settlesAt(['a2', 'b'])
          await rename(at('a.yaml'), at('z.yaml'))
          await settlesAt(['b', 'a2'])
          await rm(at('sub'), { recursive: true })
          await settlesAt(['a2'])
        })
      })
    })

    it('waits for a folder that is not there yet, and keeps what it said when it goes', async () => {
      await inFolder({}, async folder => {
        const root = join(folder, 'm')
        await following(root, async (settlesAt, sets) => {
          expect((await settlesAt([])).incomplete).to.equal(true)
          await mkdir(root)
          await writeFile(join(root, 'a.yaml'), namespace('a'))
          expect((await settlesAt(['a'])).incomplete).to.equal(false)
          await rename(root, join(folder, 'gone'))
          const missing = () => sets.at(-1)?.refusals[0]?.code === 'WEIR_MANIFEST_UNREADABLE'
          expect(await settles(missing)).to.equal(true)
          expect(sets.at(-1)?.objects.map(({ object }) => object.name)).to.deep.equal(['a'])
          await rename(join(folder, 'gone'), root)
          await writeFile(join(root, 'a.yaml'), namespace('b'))
          expect((await settlesAt(['b'])).refusals).to.deep.equal([])
        })
      })
    })

    it('finds a root whose folder is not there yet, or made anew, by its rescan, and follows it from then on', async () => {
      await inFolder({}, async folder => {
        const root = join(folder, 'above/m')
        const test = async (settlesAt: (names: readonly string[]) => Promise<ManifestSet>) => {
          await settlesAt([])
          for (const name of ['a', 'b']) {
            await mkdir(root, { recursive: true })
            await writeFile(join(root, 'x.yaml'), namespace(name))
            await settlesAt([name])
            await writeFile(join(root, 'x.yaml'), namespace(`${name}2`))
            await settlesAt([`${name}2`])
            await rm(join(folder, 'above'), { recursive: true })
          }
        }
        await following(root, test, 50)
      })
    })

    it('follows a single file through editors that replace it', async () => {
      await inFolder({ 'a.yaml': namespace('a'), 'b.yaml': namespace('b') }, async folder => {
        await following(join(folder, 'a.yaml'), async settlesAt => {
          await settlesAt(['a'])
          await writeFile(join(folder, 'a.tmp'), namespace('c'))
          await rename(join(folder, 'a.tmp'), join(folder, 'a.yaml'))
          await settlesAt(['c'])
          await writeFile(join(folder, 'a.yaml'), namespace('d'))
          await settlesAt(['d'])
        })
      })
    })

    it('follows a mounted ConfigMap, which is replaced by one link', async () => {
      await inFolder({ 'm/..1/a.yaml': namespace('a'), 'm/..2/a.yaml': namespace('b') }, async folder => {
        const at = (name: string) => join(folder, 'm', name)
        await symlink('..1', at('..data'))
        await symlink('..data/a.yaml', at('a.yaml'))
        await following(at('.'), async settlesAt => {
          await settlesAt(['a'])
          await symlink('..2', at('..next'))
          await rename(at('..next'), at('..data'))
          await settlesAt(['b'])
        })
      })
    })

    it('finds by its rescan what no notice tells, such as a change behind a link', async () => {
      await inFolder({ 'far/a.yaml': namespace('a'), 'm/notes.txt': '' }, async folder => {
        await symlink(join(folder, 'far'), join(folder, 'm/link'))
        const test = async (settlesAt: (names: readonly string[]) => Promise<ManifestSet>) => {
          await settlesAt(['a'])
          await writeFile(join(folder, 'far/a.yaml'), namespace('b'))
          await settlesAt(['b'])
        }
        await following(join(folder, 'm'), test, 50)
      })
    })

    it('gives a set only when something has changed', async () => {
      await inFolder({ 'm/a.yaml': namespace('a') }, async folder => {
        const root = join(folder, 'm')
        // Older than the grain of file stamps, so that the content is known to be what the stamp says.
        await pause(150)
        await following(
          root,
          async (settlesAt, sets) => {
            await settlesAt(['a'])
            await pause(300)
            expect(sets).to.have.length(1)
            await writeFile(join(root, 'notes.txt'), 'nothing')
            await pause(100)
            expect(sets).to.have.length(1)
          },
          30,
        )
      })
    })
  })
