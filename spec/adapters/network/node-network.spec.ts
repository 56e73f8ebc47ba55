import { readdirSync } from 'node:fs'
import { run, ipBatch } from '@weir/adapters/network/run.js'
import {
  canMakeNamespaces,
  createNodeNetwork,
  type NodeNetwork,
  removeNamespacesOf,
} from '@weir/adapters/network/node-network.js'
import { WeirError } from '@weir/core'
import { expect } from 'chai'
import { closeSocket, interfacesIn, openSocketIn } from 'netns-napi'

const id = `spec${process.pid}`

function namespacesOf(prefix: string): string[] {
  return readdirSync('/run/netns').filter(name => name.startsWith(prefix))
}

describe('a node network (needs root and iproute2)', () => {
  let network: NodeNetwork | undefined

  before(async function () {
    if (!(await canMakeNamespaces())) this.skip()
  })

  afterEach(async () => {
    await network?.destroy()
    await removeNamespacesOf(id)
    network = undefined
  })

  it('makes pods with host-length addresses and a default route of each family by a gateway that no device has', async () => {
    network = await createNodeNetwork({ id, nodeAddresses: ['10.99.0.1', 'fd99::1'] })
    const [pod] = await network.addPods([{ addresses: ['10.99.0.2', 'fd99::2'] }])
    const shown = await run('ip', ['-n', pod!.netns, 'address', 'show', 'dev', 'eth0'])
    expect(shown).to.include('inet 10.99.0.2/32').and.include('inet6 fd99::2/128').and.not.include('tentative')
    expect(shown).to.include(pod!.podMac).and.include('mtu 1500')
    expect(await run('ip', ['-n', pod!.netns, 'route'])).to.include(
      'default via 169.254.1.1 dev eth0 src 10.99.0.2 onlink',
    )
    expect(await run('ip', ['-n', pod!.netns, '-6', 'route'])).to.include('default via fe80::1 dev eth0 src fd99::2')
  })

  it('routes each pod over its own device, by a neighbour that needs no asking, from the node’s address', async () => {
    network = await createNodeNetwork({ id, nodeAddresses: ['10.99.0.1', 'fd99::1'] })
    const [pod] = await network.addPods([{ addresses: ['10.99.0.2', 'fd99::2'] }])
    expect(await run('ip', ['-n', network.netns, 'route'])).to.include(
      `10.99.0.2 dev ${pod!.ifname} scope link src 10.99.0.1`,
    )
    const neighbours = await run('ip', ['-n', network.netns, 'neighbour'])
    expect(neighbours).to.include(`10.99.0.2 dev ${pod!.ifname} lladdr ${pod!.podMac} PERMANENT`)
    expect(neighbours).to.include(`fd99::2 dev ${pod!.ifname} lladdr ${pod!.podMac} PERMANENT`)
    const device = interfacesIn(network.netnsPath).find(each => each.name === pod!.ifname)
    expect(device).to.include({ ifindex: pod!.ifindex, mac: pod!.hostMac })
  })

  it('forwards in its own namespace and leaves the machine’s alone', async () => {
    const before = await run('sysctl', ['-n', 'net.ipv4.ip_forward'])
    network = await createNodeNetwork({ id, nodeAddresses: ['10.99.0.1'] })
    const inside = await run('nsenter', [
      `--net=${network.netnsPath}`,
      'sysctl',
      '-n',
      'net.ipv4.ip_forward',
      'net.ipv6.conf.all.forwarding',
    ])
    expect(inside).to.equal('1\n1\n')
    expect(await run('sysctl', ['-n', 'net.ipv4.ip_forward'])).to.equal(before)
  })

  it('makes fifty pods in a second', async function () {
    this.timeout(10_000)
    network = await createNodeNetwork({ id, nodeAddresses: ['10.99.0.1', 'fd99::1'] })
    const start = performance.now()
    const links = await network.addPods(
      Array.from({ length: 50 }, (_, at) => ({ addresses: [`10.99.1.${at + 1}`, `fd99::1:${at + 1}`] })),
    )
    expect(links).to.have.length(50)
    expect(new Set(links.map(link => link.ifindex)).size).to.equal(50)
    // Half a second alone; the bound leaves room for a machine that does other things too.
    expect(performance.now() - start).to.be.lessThan(3000)
  })

  it('takes single pods away, and may take the same away twice', async () => {
    network = await createNodeNetwork({ id, nodeAddresses: ['10.99.0.1'] })
    const links = await network.addPods([{ addresses: ['10.99.0.2'] }, { addresses: ['10.99.0.3'] }])
    await network.removePods([links[0]!])
    await network.removePods([links[0]!])
    expect(namespacesOf(`weir-${id}-`)).to.have.members([network.netns, links[1]!.netns])
    expect(interfacesIn(network.netnsPath).map(each => each.name))
      .to.include(links[1]!.ifname)
      .and.not.include(links[0]!.ifname)
  })

  it('leaves nothing behind, even of pods whose sockets are still open', async () => {
    network = await createNodeNetwork({ id, nodeAddresses: ['10.99.0.1'], worldAddresses: ['203.0.113.9'] })
    const [pod] = await network.addPods([{ addresses: ['10.99.0.2'] }])
    const socket = openSocketIn(pod!.netnsPath, {
      family: 4,
      type: 'stream',
      bind: { address: '10.99.0.2', port: 80 },
      listenBacklog: 1,
    })
    await network.destroy()
    await network.destroy()
    closeSocket(socket)
    expect(namespacesOf(`weir-${id}-`)).to.deep.equal([])
  })

  it('undoes what it had made when a step fails', async () => {
    const failure = await createNodeNetwork({ id, nodeAddresses: ['10.99.0.1', '10.99.0.1'] }).catch(
      (error: unknown) => error,
    )
    expect(failure).to.be.instanceOf(WeirError)
    expect((failure as WeirError).code).to.equal('WEIR_NETWORK_COMMAND')
    expect((failure as WeirError).message).to.include('address add 10.99.0.1/32')
    expect(namespacesOf(`weir-${id}-`)).to.deep.equal([])
  })
})

describe('a batch for ip', () => {
  it('names the line that failed', async function () {
    if (!(await canMakeNamespaces())) this.skip()
    const failure = (await ipBatch(['link show lo', 'link show weir-nobody']).catch(
      (error: unknown) => error,
    )) as WeirError<'WEIR_NETWORK_COMMAND'>
    expect(failure.payload.command).to.equal('ip link show weir-nobody')
  })
})
