import { attempt } from '@weir/adapters/demo/attempt.js'
import { type EventBody, protocolNumbers } from '@weir/core'
import { expect } from 'chai'
import { type ServiceOf, serviceBody, sliceBody } from '../datapath/service-cluster.js'
import { isRefused } from './refused-datagram.js'
import { policy, requireKernel, Stage } from './stage.js'

const families = [4, 6] as const
type Family = (typeof families)[number]

const web: ServiceOf = { name: 'web', clusterIps: ['10.96.80.1', 'fd96:80::1'], targetPort: 8080 }
const names: ServiceOf = {
  name: 'names',
  clusterIps: ['10.96.80.2', 'fd96:80::2'],
  targetPort: 5353,
  protocol: 'UDP',
}
const bare: ServiceOf = { name: 'bare', clusterIps: ['10.96.80.3', 'fd96:80::3'] }
const bareNames: ServiceOf = { ...names, name: 'bare-names', clusterIps: ['10.96.80.4', 'fd96:80::4'] }

describe('services for packets of pods, without any program at sockets (needs root and eBPF)', function () {
  this.timeout(30_000)
  let stage: Stage

  /** The service's endpoints are these pods. */
  const served = (service: ServiceOf, ...pods: string[]): EventBody[] =>
    families.map(family =>
      sliceBody(
        service,
        `v${family}`,
        pods.map(pod => ({ address: stage.addressOf(pod, family) })),
      ),
    )

  before(async function () {
    await requireKernel(this)
    stage = await Stage.create(`n${process.pid}`)
    await stage.agent.submit('test', [
      ...[web, names, bare, bareNames].map(serviceBody),
      ...served(web, 'red/server'),
      ...served(names, 'red/server'),
    ])
  })
  after(() => stage?.close())

  /** What comes of a call of the pod's to the service: an echo of a message, a refusal, or silence. */
  async function call(pod: string, service: ServiceOf, family: Family): Promise<string> {
    const [from, to] = [stage.addressOf(pod, family), service.clusterIps[family === 4 ? 0 : 1]!]
    const protocol = service.protocol ?? 'TCP'
    const flow = { from, to, protocol: protocolNumbers[protocol], port: 80 }
    const sighting = await attempt(stage.netnsOf(pod), { from, to, family, protocol, port: 80, flow }, 2000)
    return sighting.kind
  }

  for (const family of families) {
    it(`leads streams and datagrams to backends and back (IPv${family})`, async () => {
      for (const pod of ['red/client', 'blue/client', 'blue/server'])
        for (const service of [web, names]) expect(await call(pod, service, family), pod).to.equal('answered')
    })

    it(`lets a pod reach itself (IPv${family})`, async () => {
      for (const service of [web, names]) expect(await call('red/server', service, family)).to.equal('answered')
    })

    it(`refuses at once what nobody serves (IPv${family})`, async () => {
      const start = performance.now()
      expect(await call('red/client', bare, family)).to.equal('refused')
      expect(await isRefused(stage, 'red/client', bareNames.clusterIps[family === 4 ? 0 : 1]!, 80)).to.equal(true)
      expect(performance.now() - start).to.be.lessThan(1500)
    })
  }

  it('goes to another backend when the only one is replaced, and refuses when the last has gone', async () => {
    const moved: ServiceOf = { ...web, targetPort: 8081 }
    await stage.agent.submit('test', [serviceBody(moved), ...served(moved, 'blue/server')])
    for (const family of families) expect(await call('red/client', moved, family)).to.equal('answered')
    await stage.agent.submit('test', served(moved))
    for (const family of families) expect(await call('red/client', moved, family)).to.equal('refused')
    await stage.agent.submit('test', [serviceBody(web), ...served(web, 'red/server')])
    for (const family of families) expect(await call('red/client', web, family)).to.equal('answered')
  })

  it('judges pods by the backend that they reach', async () => {
    await stage.set([
      policy('red', 'server', {
        podSelector: { matchLabels: { app: 'server' } },
        ingress: [{ from: [{ podSelector: { matchLabels: { app: 'client' } } }], ports: [{ port: 8080 }] }],
      }),
    ])
    for (const family of families) {
      expect(await call('red/client', web, family)).to.equal('answered')
      expect(await call('blue/client', web, family)).to.equal('silent')
    }
  })
})
