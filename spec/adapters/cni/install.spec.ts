import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installCni, listName, pluginName, removeCni } from '@weir/adapters/cni/install.js'
import { cniPlugin } from '@weir/adapters/files.js'
import { expect } from 'chai'

describe('installing the CNI plugin', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-cni-'))
  const folders = { binaries: join(folder, 'bin'), lists: join(folder, 'net.d') }
  after(() => rmSync(folder, { recursive: true, force: true }))

  before(function () {
    // Without a C compiler there is none.
    if (!existsSync(cniPlugin)) this.skip()
  })

  it('puts the program and the list where runtimes look, and nothing else', async () => {
    await installCni({ ...folders, socketPath: '/run/x.sock' })
    expect(readdirSync(folders.binaries)).to.deep.equal([pluginName])
    expect(readdirSync(folders.lists)).to.deep.equal([listName])
    expect(statSync(join(folders.binaries, pluginName)).mode & 0o777).to.equal(0o755)
    expect(readFileSync(join(folders.binaries, pluginName)).equals(readFileSync(cniPlugin))).to.equal(true)
    expect(JSON.parse(readFileSync(join(folders.lists, listName), 'utf8'))).to.deep.equal({
      cniVersion: '1.0.0',
      cniVersions: ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'],
      name: 'weir',
      plugins: [{ type: 'weir-cni', socket: '/run/x.sock' }],
    })
  })
  it('replaces what is there, takes it away, and may be told so twice', async () => {
    writeFileSync(join(folders.lists, listName), 'old')
    await installCni({ ...folders, socketPath: '/run/y.sock' })
    expect(readFileSync(join(folders.lists, listName), 'utf8')).to.include('/run/y.sock')
    await removeCni(folders)
    await removeCni(folders)
    expect([...readdirSync(folders.binaries), ...readdirSync(folders.lists)]).to.deep.equal([])
  })
  it('leaves no half of a file where it can’t write', async () => {
    writeFileSync(join(folder, 'file'), '')
    const failing = installCni({ ...folders, lists: join(folder, 'file'), socketPath: '/x' })
    expect(await failing.catch((error: NodeJS.ErrnoException) => error.code)).to.equal('EEXIST')
    expect(readdirSync(folders.binaries)).to.deep.equal([pluginName])
  })
})
