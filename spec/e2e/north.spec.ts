import type { Socket } from 'node:net'
import type { EventBody } from '@weir/core'
import { NetnsError } from 'netns-napi'
import { expect } from 'chai'
import { balanced, clientAddresses, families, type Family, of, type SiteName, sites } from './north-network.js'
import { countingPort, countingTarget, nodePorts, NorthStage, servicePort, sliceOf, webService } from './north-stage.js'
import { requireKernel } from './stage.js'

const protocols = ['TCP', 'UDP'] as const
const counting = (more: object) =>
  webService({
    name: 'counting',
    clusterIps: ['10.96.0.82', 'fd96::82'],
    ports: [{ name: 'tcp', protocol: 'TCP', port: countingPort, targetPort: countingTarget }],
    ...more,
  })

/** Sends as much again as before and closes: what is said at the end, the code of an error, or `silence`. */
async function ended(socket: Socket): Promise<string> {
  let said = ''
  socket.on('data', data => {
    said += String(data)
  })
  return await new Promise(resolve => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.on('end', () => resolve(said.trimEnd()))
    socket.setTimeout(3000, () => {
      socket.destroy()
      resolve('silence')
    })
    socket.end(new Uint8Array(1000))
  })
}
const [first, second] = sites

for (const xdp of ['native', 'generic', 'off'] as const)
  describe(`services for clients outside, XDP ${xdp} (needs root and eBPF)`, function () {
    this.timeout(90_000)
    let stage: NorthStage

    before(async function () {
      await requireKernel(this)
      stage = await NorthStage.create(`no${xdp[0]}${process.pid}`, { xdp })
    })
    after(() => stage?.close())

    /** Who answers, and whom they see, of some connections. */
    async function answers(
      protocol: 'TCP' | 'UDP',
      to: string,
      port: number,
      times = 24,
    ): Promise<ReadonlySet<string>> {
      const said = await Promise.all(Array.from({ length: times }, () => stage.ask(protocol, to, port)))
      return new Set(said.map(each => each ?? 'nothing'))
    }

    it('says at which devices it is', async () => {
      for (const agent of Object.values(stage.agents)) {
        const { host } = await agent.status()
        expect(host.devices.map(device => device.xdp)).to.deep.equal([xdp === 'off' ? 'none' : xdp])
      }
    })

    for (const family of families)
      for (const protocol of protocols) {
        it(`IPv${family} ${protocol}: a node port leads to pods of both nodes, the load balancer’s address too`, async () => {
          for (const [to, port] of [
            [of(first.node, family), nodePorts.web],
            [of(balanced, family), servicePort],
          ] as const)
            expect(await answers(protocol, to, port), to).to.have.all.keys(
              `n1 ${of(clientAddresses, family)}`,
              `n2 ${of(first.node, family)}`,
            )
        })

        it(`IPv${family} ${protocol}: by a policy of Local each node answers itself, and sees the client`, async () => {
          for (const { name, node } of sites)
            expect(await answers(protocol, of(node, family), nodePorts.local, 4), name).to.have.all.keys(
              `${name} ${of(clientAddresses, family)}`,
            )
        })
      }

    it('what backends come and go is known at once, and without any a client is refused', async () => {
      const to = (family: Family): [string, number] => [of(balanced, family), servicePort]
      await stage.submit(...sliceOf('web', ['n2']))
      for (const family of families)
        expect(await answers('TCP', ...to(family))).to.have.all.keys(`n2 ${of(first.node, family)}`)
      await stage.submit(...sliceOf('web', []))
      for (const family of families) {
        const refusal = await stage.ask('TCP', ...to(family)).catch((error: unknown) => error)
        expect(refusal).to.be.instanceOf(NetnsError).with.property('code', 'ECONNREFUSED')
      }
      await stage.submit(...sliceOf('web', ['n1', 'n2']))
      for (const family of families) expect((await answers('UDP', ...to(family))).size).to.equal(2)
    })

    it('the load balancer’s address is there for clients of its source ranges alone', async () => {
      const of24 = (...loadBalancerSourceRanges: readonly string[]) => webService({ loadBalancerSourceRanges })
      await stage.submit(of24('198.51.100.0/24', '2001:db8:c::/48'))
      for (const family of families)
        expect((await answers('TCP', of(balanced, family), servicePort)).size, `IPv${family}, within`).to.equal(2)
      await stage.submit(of24('192.0.2.0/24', '2001:db8:d::/48'))
      for (const family of families) {
        const outside = await stage.ask('TCP', of(balanced, family), servicePort).catch(() => undefined)
        expect(outside, `IPv${family}, outside`).to.equal(undefined)
        expect((await answers('TCP', of(first.node, family), nodePorts.web)).size, 'its node port').to.equal(2)
      }
      await stage.submit(webService())
      for (const family of families) expect((await answers('TCP', of(balanced, family), servicePort)).size).to.equal(2)
    })

    for (const family of families)
      it(`IPv${family}: a connection goes on when the address that it was opened by is no service’s any more, and ends with its backend`, async () => {
        for (const name of ['n1', 'n2'] as const) {
          const socket = await openedBy(counting({}), name, family)
          await stage.submit(counting({ type: 'ClusterIP', loadBalancerIps: [] }))
          expect(await ended(socket), `to ${name}`).to.match(/^2000 /)
          const other = await openedBy(counting({}), name, family)
          await stage.submit({ kind: 'service.deleted', namespace: 'shop', name: 'counting' })
          expect(await ended(other), `to ${name}, deleted`).to.equal('ECONNRESET')
        }
      })

    /** A connection to the service's address that has carried something. */
    async function openedBy(service: EventBody, at: SiteName, family: Family): Promise<Socket> {
      await stage.submit(service, ...sliceOf('counting', [at], countingTarget))
      const socket = await stage.hold(of(balanced, family))
      await new Promise<void>(resolve => socket.write(new Uint8Array(1000), () => resolve()))
      return socket
    }

    it('goes on while no agent runs', async () => {
      for (const agent of Object.values(stage.agents)) await agent.stop()
      for (const family of families)
        for (const protocol of protocols)
          expect(await answers(protocol, of(second.node, family), nodePorts.web)).to.have.all.keys(
            `n2 ${of(clientAddresses, family)}`,
            `n1 ${of(second.node, family)}`,
          )
    })
  })

for (const [lbMode, dsrDispatch] of [
  ['dsr', 'opt'],
  ['hybrid', 'opt'],
  ['dsr', 'ipip'],
] as const)
  for (const xdp of ['native', 'off'] as const)
    describe(`clients outside who are answered straight, ${lbMode} by ${dsrDispatch}, XDP ${xdp} (needs root and eBPF)`, function () {
      this.timeout(90_000)
      let stage: NorthStage

      before(async function () {
        await requireKernel(this)
        const id = `nd${lbMode[0]}${dsrDispatch[0]}${xdp[0]}${process.pid}`
        stage = await NorthStage.create(id, { xdp, lbMode, dsrDispatch })
      })
      after(() => stage?.close())

      for (const family of families)
        for (const protocol of protocols)
          it(`IPv${family} ${protocol}: both nodes' pods answer, and see ${seenBy(lbMode, protocol)}`, async () => {
            const isStraight = seenBy(lbMode, protocol) === 'the client'
            for (const [to, port] of [
              [of(first.node, family), nodePorts.web],
              [of(balanced, family), servicePort],
            ] as const) {
              const said = await Promise.all(Array.from({ length: 24 }, () => stage.ask(protocol, to, port)))
              expect(new Set(said), to).to.have.all.keys(
                `n1 ${of(clientAddresses, family)}`,
                `n2 ${isStraight ? of(clientAddresses, family) : of(first.node, family)}`,
              )
            }
          })

      for (const family of families)
        it(`IPv${family} UDP: a client’s port may be used for two services’ addresses of the same backends`, async () => {
          const askFrom = async (from: number): Promise<readonly (string | undefined)[]> => [
            await stage.ask('UDP', of(first.node, family), nodePorts.web, { from }),
            await stage.ask('UDP', of(balanced, family), servicePort, { from }),
          ]
          // A third of these would be lost if both addresses' slots were taken as they come.
          const said = await Promise.all(Array.from({ length: 12 }, (_, at) => askFrom(20_000 + at)))
          for (const [one, other] of said) expect([one, other]).not.to.include(undefined)
        })

      for (const family of families)
        it(`IPv${family}: a megabyte comes whole to a pod of the other node`, async () => {
          const bytes = 2 ** 20
          expect(await stage.count(of(balanced, family), bytes)).to.equal(`${bytes} ${of(clientAddresses, family)}`)
        })
    })

function seenBy(lbMode: 'dsr' | 'hybrid', protocol: 'TCP' | 'UDP'): 'the client' | 'the node' {
  return lbMode === 'dsr' || protocol === 'TCP' ? 'the client' : 'the node'
}
