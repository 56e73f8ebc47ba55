import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ManifestLimits } from '@weir/adapters/manifests/limits.js'
import { ManifestReader, readManifests } from '@weir/adapters/manifests/read.js'
import { expect } from 'chai'
import { deployment, inFolder, namespace, pod } from './folder.js'

const codeOf = async (text: string | Uint8Array, limits: Partial<ManifestLimits> = {}) => {
  let found: unknown
  await inFolder({ 'a.yaml': text }, async folder => {
    const set = await readManifests(folder, { limits })
    const { code, problems } = set.refusals[0] ?? {}
    found = { code, line: problems?.[0]?.line, objects: set.objects.length, message: problems?.[0]?.message }
  })
  return found as { code: string; line: number; objects: number; message: string }
}

const around = (middle: string) => `${namespace('a')}---\n${middle}\n---\n${namespace('z')}`

/** Nine levels of ten aliases each: a billion values from a few lines. */
const bomb = [
  'a0: &a0 x',
  ...Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(', ')}]`),
].join('\n')

describe('manifests: limits', () => {
  for (const [title, text, code, line] of [
    ['broken YAML', 'a: [1, 2\nb: }', 'WEIR_MANIFEST_NOT_YAML', 7],
    ['a tab for indentation', 'a:\n\tb: 1', 'WEIR_MANIFEST_NOT_YAML', 7],
    ['a key twice in a map', 'a: 1\nb: 2\na: 3', 'WEIR_MANIFEST_NOT_YAML', 8],
    ['an alias without an anchor', 'a: *nobody', 'WEIR_MANIFEST_NOT_YAML', 6],
    ['a tag of its own', 'a: !secret x', 'WEIR_MANIFEST_NOT_YAML', 6],
    ['a bomb of aliases', bomb, 'WEIR_MANIFEST_TOO_COMPLEX', 12],
    ['an anchor within itself', 'a: 1\nb: &x\n  c: [*x]', 'WEIR_MANIFEST_TOO_COMPLEX', 8],
    ['lists 65 deep', `a:\n  ${'['.repeat(65)}${']'.repeat(65)}`, 'WEIR_MANIFEST_TOO_COMPLEX', 7],
    ['lists 100,000 deep', '['.repeat(100_000), 'WEIR_MANIFEST_TOO_COMPLEX', undefined],
    [
      'maps deep by aliases',
      `a: &a ${'['.repeat(40)}${']'.repeat(40)}\nb: ${'['.repeat(40)}*a${']'.repeat(40)}`,
      'WEIR_MANIFEST_TOO_COMPLEX',
      7,
    ],
    ['no object', '- 1', 'WEIR_INPUT_INVALID', 6],
  ] as const)
    it(`refuses ${title} with its line, and reads the rest of the file`, async () => {
      const found = await codeOf(around(text))
      expect(found).to.deep.include({ code, objects: 2 })
      if (line !== undefined) expect(found.line, found.message).to.equal(line)
    })

  it('refuses a document of 10 MB without parsing it', async () => {
    const start = performance.now()
    const found = await codeOf(around(`a: "${'x'.repeat(10_000_000)}"`))
    expect(found).to.include({ code: 'WEIR_MANIFEST_TOO_LARGE', line: 5, objects: 2 })
    expect(performance.now() - start).to.be.below(2000)
  })
  it('takes a document of just the limit', async () => {
    const text = namespace('a')
    expect((await codeOf(text, { documentSizeBytes: text.length })).objects).to.equal(1)
    expect((await codeOf(text, { documentSizeBytes: text.length - 1 })).code).to.equal('WEIR_MANIFEST_TOO_LARGE')
  })
  it('refuses a file over its limit, and one that is no UTF-8', async () => {
    expect((await codeOf(namespace('a'), { fileSizeBytes: 10 })).code).to.equal('WEIR_MANIFEST_TOO_LARGE')
    const latin1 = Buffer.concat([Buffer.from(namespace('a')), Buffer.from([0x23, 0xe4, 0x0a])])
    expect(await codeOf(latin1)).to.include({ code: 'WEIR_MANIFEST_NOT_UTF8', objects: 0 })
    const utf16 = Buffer.from(`\ufeff${namespace('a')}`, 'utf16le')
    expect((await codeOf(utf16)).code).to.equal('WEIR_MANIFEST_NOT_UTF8')
    expect((await codeOf(`\ufeff${namespace('a')}`)).objects).to.equal(1)
  })
  it('refuses what is over the number of objects and pods of a file, and keeps what is not', async () => {
    const many = ['a', 'b', 'c'].map(namespace).join('---\n')
    const objects = await codeOf(many, { objectsPerFileMax: 2 })
    expect(objects).to.include({ code: 'WEIR_MANIFEST_TOO_COMPLEX', objects: 2, line: 11 })
    const pods = await codeOf(`${deployment('a', 2)}---\n${deployment('b', 2)}---\n${pod('p')}`, { podsPerFileMax: 3 })
    expect(pods).to.include({ code: 'WEIR_MANIFEST_TOO_COMPLEX', objects: 2, line: 17 })
  })
  it('refuses more files than its limit', async () => {
    await inFolder({ 'a.yaml': namespace('a'), 'b.yaml': namespace('b') }, async folder => {
      const set = await readManifests(folder, { limits: { filesMax: 1 } })
      expect(set.objects).to.have.length(1)
      expect(set.refusals[0]?.code).to.equal('WEIR_MANIFEST_TOO_COMPLEX')
      expect(set.incomplete).to.equal(true)
    })
  })
  it('looks at many files in the order of their names, as far as its limit goes', async () => {
    const names = Array.from({ length: 150 }, (_, n) => `n${String(n).padStart(3, '0')}`)
    await inFolder(Object.fromEntries(names.map(name => [`${name}.yaml`, namespace(name)])), async folder => {
      const all = await readManifests(folder)
      expect(all.objects.map(({ object }) => object.name)).to.deep.equal(names)
      const some = await readManifests(folder, { limits: { filesMax: 100 } })
      expect(some.objects.map(({ object }) => object.name)).to.deep.equal(names.slice(0, 100))
      expect(some.refusals.map(({ problems }) => problems[0]?.message)).to.deep.equal([
        `there are too many files: ${join(folder, 'n100.yaml')} is left out, and what follows it`,
      ])
    })
  })
  it('takes nothing back that it no longer looks at for too many files', async () => {
    await inFolder({ 'b.yaml': namespace('b'), 'c.yaml': namespace('c') }, async folder => {
      const reader = new ManifestReader(folder, { limits: { filesMax: 2 } })
      expect((await reader.read()).incomplete).to.equal(false)
      await writeFile(join(folder, 'a.yaml'), namespace('a'))
      await writeFile(join(folder, 'aa.yaml'), namespace('aa'))
      const set = await reader.read()
      expect(set.objects.map(({ object }) => object.name)).to.deep.equal(['a', 'aa', 'b', 'c'])
      expect(set.refusals.map(({ object }) => object.name)).to.deep.equal([folder])
    })
  })
  it('ends at a limit where links lead to more and more folders', async () => {
    await inFolder({ 'a.yaml': namespace('a') }, async folder => {
      // Each of the two leads to both of the next level: 2^16 ways, none of them a loop.
      for (let level = 0; level < 16; level++) {
        await mkdir(join(folder, `level/${level}`), { recursive: true })
        for (const way of ['x', 'y']) await symlink(`../${level + 1}`, join(folder, `level/${level}/${way}`))
      }
      await mkdir(join(folder, 'level/16'))
      const set = await readManifests(folder, { limits: { foldersMax: 100 } })
      expect(set.objects).to.have.length(1)
      expect(set.refusals.map(({ code }) => code)).to.deep.equal(['WEIR_MANIFEST_TOO_COMPLEX'])
      expect(set.incomplete).to.equal(true)
    })
  })
  it('reads no further file once abandoned', async () => {
    const files = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`${at}.yaml`, namespace(`n${at}`)]))
    await inFolder(files, async folder => {
      let looks = 0
      const reader = new ManifestReader(folder, {
        nowMs: () => {
          if (++looks === 3) reader.abandon()
          return 0
        },
      })
      const end = await Promise.race([reader.read(), new Promise(resolve => setTimeout(() => resolve('never'), 200))])
      expect(end).to.equal('never')
      expect(looks).to.equal(3)
    })
  })
  it('names at most 50 problems of a file, and says that there are more', async () => {
    await inFolder({ 'a.yaml': Array(200).fill('a: [').join('\n---\n') }, async folder => {
      const { refusals } = await readManifests(folder)
      expect(refusals[0]?.problems).to.have.length(51)
      expect(refusals[0]?.problems[50]?.message).to.equal('there are more problems than these')
    })
  })
})
