import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ManifestReader } from '@weir/adapters/manifests/read.js'
import { expect } from 'chai'
import { inFolder, policy } from './folder.js'

describe('manifests: a file that is replaced by removing it first', () => {
  it('takes nothing back when it is there again, though the word of that waits until others are read', async () => {
    await inFolder({ 'a.yaml': policy('a') }, async folder => {
      const file = join(folder, 'a.yaml')
      let nowMs = Date.now()
      const reader = new ManifestReader(folder, { settleMs: 50, nowMs: () => nowMs })
      const names = async (files: readonly string[]): Promise<readonly string[] | undefined> =>
        (await reader.readFiles(files))?.objects.map(({ object }) => object.name)
      await reader.read()
      await rm(file)
      expect(await names([file])).to.deep.equal(['a'])
      await writeFile(file, policy('b'))
      nowMs += 60
      expect(await names([])).to.deep.equal(['a'])
      expect(await names([file])).to.have.members(['a', 'b'])
      nowMs += 60
      expect(await names([])).to.deep.equal(['b'])
      await rm(file)
      expect(await names([file])).to.deep.equal(['b'])
      nowMs += 60
      expect(await names([])).to.deep.equal([])
    })
  })
})
