import { CniError } from '@weir/adapters/cni/cni-error.js'
import { type CniCall, readCall, versionIn } from '@weir/adapters/cni/request.js'
import { expect } from 'chai'

const config = { cniVersion: '1.1.0', name: 'weir' }
const call: CniCall = {
  ...{ command: 'ADD', containerId: 'c1', netns: '/run/netns/x', ifname: 'eth0', args: '' },
  config: JSON.stringify(config),
}
const configured = (more: object): Partial<CniCall> => ({ config: JSON.stringify({ ...config, ...more }) })

const refusal = (more: Partial<CniCall>): readonly [code: number, message: string] => {
  try {
    readCall({ ...call, ...more })
  } catch (error) {
    if (error instanceof CniError) return [error.code, `${error.message} ${error.details}`]
    throw error
  }
  throw new Error('it was understood')
}

describe('what a container runtime asks for', () => {
  it('is understood with all that matters', () => {
    const args = 'IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0;K8S_POD_UID=7'
    expect(readCall({ ...call, args, ...configured({ mtu: 1400, dns: { search: [] } }) })).to.deep.equal({
      command: 'ADD',
      version: '1.1.0',
      config: { name: 'weir', mtuBytes: 1400, dns: { search: [] } },
      target: { container: 'c1', ifname: 'eth0', netns: '/run/netns/x' },
      pod: { namespace: 'shop', name: 'web-0' },
    })
  })
  it('is about a pod by the container’s name where nobody says which', () => {
    expect(readCall({ ...call, containerId: 'A_b' }).pod).to.deep.equal({ namespace: 'default', name: 'a-b' })
  })
  it('needs no namespace to take away, and no container for the node’s own questions', () => {
    expect(readCall({ ...call, command: 'DEL', netns: '' }).command).to.equal('DEL')
    const bare = { containerId: '', netns: '', ifname: '' }
    expect(readCall({ ...call, ...bare, command: 'STATUS' }).command).to.equal('STATUS')
    const list = { 'cni.dev/valid-attachments': [{ containerID: 'c1', ifname: 'eth0' }] }
    expect(readCall({ ...call, ...bare, command: 'GC', ...configured(list) }).config.validAttachments).to.deep.equal([
      { container: 'c1', ifname: 'eth0' },
    ])
    expect(readCall({ ...call, ...bare, command: 'VERSION', config: '' }).command).to.equal('VERSION')
  })
  it('is refused with the code of the specification and what would be right', () => {
    const cases: readonly (readonly [Partial<CniCall>, number, string])[] = [
      [configured({ cniVersion: '0.2.0' }), 1, 'supported: 0.3.0'],
      [{ config: '{"name":"weir"}' }, 1, '"0.1.0"'],
      [{ command: 'CHECK', ...configured({ cniVersion: '0.3.1' }) }, 1, 'has no CHECK since 0.4.0'],
      [{ command: 'GC', ...configured({ cniVersion: '1.0.0' }) }, 1, 'has no GC since 1.1.0'],
      [configured({ ipam: { type: 'host-local' } }), 2, 'ipam.type'],
      [{ command: 'add' }, 4, 'unknown CNI_COMMAND: "add"'],
      [{ containerId: '', ifname: '' }, 4, '[CNI_CONTAINERID,CNI_IFNAME]'],
      [{ netns: '' }, 4, '[CNI_NETNS]'],
      [{ containerId: '../x' }, 4, 'CNI_CONTAINERID'],
      [{ ifname: 'a/b' }, 4, 'CNI_IFNAME'],
      [{ ifname: '..' }, 4, 'CNI_IFNAME'],
      [{ args: 'K8S_POD_NAME=A B' }, 4, 'K8S_POD_NAME'],
      [{ config: '[]' }, 6, 'no JSON object'],
      [{ config: '{' }, 6, 'no JSON'],
      [configured({ name: 'a/b' }), 7, 'invalid name'],
      [configured({ mtu: 1279 }), 7, 'from 1280'],
      [configured({ mtu: '1500' }), 7, 'invalid mtu'],
      [configured({ prevResult: [] }), 7, 'invalid prevResult'],
      [{ command: 'CHECK' }, 7, 'invalid prevResult: absent'],
      [{ command: 'GC' }, 7, 'cni.dev/valid-attachments'],
      [{ command: 'GC', ...configured({ 'cni.dev/valid-attachments': [{}] }) }, 7, '{containerID, ifname}'],
    ]
    for (const [more, code, text] of cases) {
      const [given, message] = refusal(more)
      expect(given, JSON.stringify(more)).to.equal(code)
      expect(message).to.include(text)
    }
  })
  it('is answered in the version that it has, whatever else is wrong', () => {
    expect(versionIn('{"cniVersion":"0.4.0"}')).to.equal('0.4.0')
    expect(versionIn('nonsense')).to.equal('1.1.0')
  })
})
