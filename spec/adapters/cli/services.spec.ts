import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Agent, createAgent } from '@weir/adapters/agent/agent.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import { expect } from 'chai'
import { firstValueFrom } from 'rxjs'
import { runWeir } from './run.js'

const pods = [1, 2].map(
  number => `
apiVersion: v1
kind: Pod
metadata: { name: web-${number}, namespace: shop, labels: { app: web } }
spec: { nodeName: n1, containers: [{ name: web, ports: [{ name: http, containerPort: 8080 }] }] }
`,
)
const service = (name: string, spec: string) => `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec: ${spec}
`
const web = service(
  'web',
  '{ type: NodePort, clusterIP: 10.96.0.7, selector: { app: web }, ports: [{ port: 80, targetPort: http, nodePort: 30080 }] }',
)
const thief = service('thief', '{ clusterIP: 10.96.0.8, externalIPs: [10.96.0.7], ports: [{ port: 80 }] }')

describe('weir get services, weir get backends', function () {
  this.timeout(30_000)
  const folder = mkdtempSync(join(tmpdir(), 'weir-services-'))
  const at = (name: string): string => join(folder, name)
  const socket = at('agent.sock')
  let agent: Agent
  let past = 0

  const rowsOf = (out: readonly string[]): readonly (readonly string[])[] =>
    out.slice(1).map(line => line.trim().split(/ {3,}/))
  const json = async (...words: string[]): Promise<Record<string, unknown>[]> =>
    JSON.parse((await runWeir(['get', ...words, '-o', 'json'])).out[0]!) as Record<string, unknown>[]

  before(async () => {
    mkdirSync(at('followed'))
    writeFileSync(at('followed/pods.yaml'), pods.join('---'))
    writeFileSync(at('followed/web.yaml'), web)
    agent = await createAgent({
      stateFolder: at('state'),
      socketPath: socket,
      node: 'n1',
      nodeAddresses: ['192.0.2.1', '198.51.100.1'],
      nodePortAddresses: ['192.0.2.0/24'],
      backend: 'memory',
      clock: systemClock,
      manifests: at('followed'),
      podCidrs: ['10.1.0.0/24'],
    })
    while (agent.engine.state.services.size === 0) await firstValueFrom(agent.applied)
    past = agent.engine.seq
    const followed = firstValueFrom(agent.applied)
    writeFileSync(at('followed/thief.yaml'), thief)
    await followed
  })
  after(async () => {
    await agent.stop()
    rmSync(folder, { recursive: true })
  })

  it('lists services as kubectl does, and who claims what another has', async () => {
    const { code, out } = await runWeir(['get', 'services', '--socket', socket])
    expect(code).equals(0)
    expect(out[0]?.split(/ {3,}/)).deep.equals([
      ...['NAMESPACE', 'NAME', 'TYPE', 'CLUSTER-IP', 'EXTERNAL-IP', 'PORT(S)', 'ENDPOINTS', 'SELECTOR'],
    ])
    const conflict = [
      '10.96.0.7:80/TCP is claimed by shop/web (clusterIp) and shop/thief (externalIp); shop/web (clusterIp) has it',
    ]
    expect(rowsOf(out)).deep.equals([
      ['shop', 'thief', 'ClusterIP', '10.96.0.8', '10.96.0.7', '80/TCP', '0/0', '-'],
      conflict,
      ['shop', 'web', 'NodePort', '10.96.0.7', '-', '80:30080/TCP', '2/2', 'app=web'],
      conflict,
    ])
    const status = await runWeir(['status', '--socket', socket])
    expect(status.out.join()).includes('1 address is claimed more than once: weir get services')
  })

  it('gives all of a service as JSON, with the events that brought it', async () => {
    const [row] = await json('services', 'shop/web', '--socket', socket)
    const frontends = row?.frontends as {
      kind: string
      scope: string
      address: string
      backends: string[]
      causes: number[]
    }[]
    expect(frontends.map(({ kind, scope, address }) => `${kind} ${scope} ${address}`)).has.members([
      'clusterIp internal 10.96.0.7',
      'nodePort internal 192.0.2.1',
      'nodePort external 192.0.2.1',
    ])
    const { services, endpointSlices } = agent.engine.state
    const slice = endpointSlices.get('shop/web-derived-ipv4-1')!
    for (const { kind, backends, causes } of frontends) {
      expect(backends).deep.equals(['10.1.0.2:8080/TCP', '10.1.0.3:8080/TCP'])
      expect(causes).includes(services.get('shop/web')!.seq)
      expect(causes).includes(slice.seq)
      expect(causes.includes(agent.engine.state.agent!.seq)).equals(kind === 'nodePort')
    }
    const [backend] = await json('backends', '--socket', socket)
    expect(backend).deep.equals({
      namespace: 'shop',
      name: 'web',
      portName: '',
      address: '10.1.0.2',
      port: 8080,
      protocol: 'TCP',
      state: 'active',
      weight: 1,
      local: true,
      node: 'n1',
      zone: '',
      pod: 'web-1',
      causes: [slice.seq],
    })
  })

  it('lists backends', async () => {
    const { out } = await runWeir(['get', 'backends', 'web', '--socket', socket])
    expect(out[0]?.split(/ {3,}/)).deep.equals([
      ...['NAMESPACE', 'SERVICE', 'PORT', 'BACKEND', 'STATE', 'WEIGHT', 'POD', 'NODE', 'ZONE', 'LOCAL'],
    ])
    expect(rowsOf(out)).deep.equals([
      ['shop', 'web', '-', '10.1.0.2:8080/TCP', 'active', '1', 'web-1', 'n1', '-', 'true'],
      ['shop', 'web', '-', '10.1.0.3:8080/TCP', 'active', '1', 'web-2', 'n1', '-', 'true'],
    ])
    expect((await runWeir(['get', 'backends', 'nobody', '--socket', socket])).code).equals(5)
  })

  it('puts a backend out of use and takes that back, each said once', async () => {
    const states = async () =>
      rowsOf((await runWeir(['get', 'backends', '--socket', socket])).out).map(row => [row[4], row[5]])
    const say = async (...words: string[]) => (await runWeir(['backend', ...words, '--socket', socket])).out
    const { seq } = agent.engine
    expect(await say('10.1.0.2:8080/TCP', 'maintenance')).deep.equals([`event ${seq + 1}`])
    expect(await say('10.1.0.2:8080', 'maintenance')).deep.equals(['nothing new'])
    expect(await say('pod/shop/web-2', 'active', '--weight', '0')).deep.equals([`event ${seq + 2}`])
    expect(await states()).deep.equals([
      ['maintenance', '0'],
      ['active', '0'],
    ])
    await say('10.1.0.2:8080/TCP', 'active')
    await say('pod/shop/web-2', 'active')
    expect(await say('pod/shop/web-2', 'active', '-o', 'json')).deep.equals(['{}'])
    expect(await states()).deep.equals([
      ['active', '1'],
      ['active', '1'],
    ])
    const early = await runWeir(['backend', 'pod/shop/wbe-2', 'maintenance', '--socket', socket])
    expect(early.code).equals(0)
    expect(early.err).includes('lists no pod/shop/wbe-2 now')
    await say('pod/shop/wbe-2', 'active')
    const known = await runWeir(['backend', '10.1.0.2:8080', 'maintenance', '--socket', socket])
    expect(known.err).equals('')
    await say('10.1.0.2:8080', 'active')
    const wrong = await runWeir(['backend', 'web', 'maintenance', '--socket', socket])
    expect([wrong.code, wrong.err]).deep.equals([2, wrong.err])
    expect(wrong.err).includes('such as 10.0.0.1:8080/TCP')
  })

  it('go with flows by name, of the end that was asked', async () => {
    const report = {
      verdict: 'allowed',
      reason: '',
      protocol: 6,
      family: 4,
      sourceIdentity: 0,
      destinationIdentity: 0,
      tcpFlags: 2,
      icmpType: 0,
      icmpCode: 0,
      direction: 'ingress',
      sizeBytes: 74,
    } as const
    const [client, server, address] = ['10.1.0.2', '10.1.0.3', '10.96.0.7']
    const request = { sourcePort: 40_000, destinationPort: 8080, isReply: false }
    agent.flows.add({ ...report, ...request, source: client, destination: server })
    agent.flows.add({
      ...report,
      source: server,
      destination: client,
      sourcePort: 8080,
      destinationPort: 40_000,
      isReply: true,
    })
    agent.flows.add({ ...report, ...request, destinationPort: 80, source: client, destination: address })
    agent.flows.add({ ...report, ...request, destinationPort: 8081, source: client, destination: server })
    agent.flows.add({ ...report, ...request, protocol: 17, source: client, destination: server })
    const observed = async (...words: string[]) =>
      (await runWeir(['observe', '--last', '5', '--no-follow', '--socket', socket, ...words])).out
    const services = (await observed('-o', 'json')).map(line => {
      const flow = JSON.parse(line) as Record<'source_service' | 'destination_service', object | undefined>
      return [flow.source_service, flow.destination_service]
    })
    const web = { name: 'web', namespace: 'shop' }
    const none = [undefined, undefined]
    expect(services).deep.equals([[undefined, web], [web, undefined], [undefined, web], none, none])
    const [line] = await observed()
    expect(line).includes('shop/web-1:40000 → shop/web-2:8080 (svc shop/web) TCP SYN  allowed')
    expect(await observed('--service', 'shop/web')).has.length(3)
    expect(await observed('--service', 'nobody')).empty
    expect((await observed('-o', 'dict')).join('\n')).includes('source service:       shop/web')
  })

  it('are asked why, live, in a log and in a folder', async () => {
    const live = await runWeir(['why', 'web-1', 'svc/web', '--socket', socket])
    expect(live.code).equals(0)
    expect(live.out[0]).equals('shop/web-1 → service shop/web 80/TCP  goes to any of 2 backends, each as often')
    expect(live.out.join('\n')).includes('10.1.0.3:8080/TCP').includes('50.0 %').includes('web.yaml:2')
    for (const state of [
      `--log ${at('state')}`,
      `--state-from ${at('state')}@${past}`,
      `--state-from ${at('followed')}`,
    ]) {
      const { out, code } = await runWeir(['why', 'web-1', '10.96.0.7:80', ...state.split(' '), '-o', 'json'])
      const [answer] = JSON.parse(out[0]!) as Record<string, unknown>[]
      const outcome = state.endsWith('followed') ? 'refused' : 'balanced'
      expect([code, answer?.kind, answer?.outcome], state).deep.equals([0, 'service', outcome])
    }
    const denied = await runWeir(['why', 'web-1', '10.96.0.7:81', '--socket', socket, '--fail-on-deny'])
    expect(denied.code).equals(1)
    expect(denied.out[1]).includes('shop/web has no port 81/TCP there; ask for 80/TCP')
  })

  it('have a history in the log, live and offline', async () => {
    const seqs: Record<string, number> = { maintenance: 0, active: 0 }
    for (const state of Object.keys(seqs)) {
      await runWeir(['backend', '10.1.0.2:8080/TCP', state, '--socket', socket])
      seqs[state] = agent.engine.seq
    }
    const { services, endpointSlices } = agent.engine.state
    const first = [services.get('shop/web')!.seq, endpointSlices.get('shop/web-derived-ipv4-1')!.seq]
    for (const from of [
      ['--socket', socket],
      ['--log', at('state')],
    ]) {
      const { out, code } = await runWeir(['history', 'service', 'web', ...from, '-o', 'json'])
      expect(code).equals(0)
      const changes = out.map(
        line => JSON.parse(line) as { seq: number; kind: string; backends: { before?: object; after?: object }[] },
      )
      const [brought] = changes.filter(({ backends }) => backends.length > 0)
      const chosenBy = ['clusterIp internal', 'nodePort external', 'nodePort internal']
      expect(brought?.seq).equals(Math.max(...first))
      expect(brought!.backends.map(({ before, after }) => [before, after])).deep.equals([
        [undefined, { state: 'active', weight: 1, chosenBy, pod: 'web-1', node: 'n1' }],
        [undefined, { state: 'active', weight: 1, chosenBy, pod: 'web-2', node: 'n1' }],
      ])
      expect(changes.slice(-2).map(({ seq, kind }) => [seq, kind])).deep.equals([
        [seqs.maintenance, 'backend.configured'],
        [seqs.active, 'backend.configured'],
      ])
    }
    const range = ['--from', String(seqs.maintenance), '--to', String(seqs.maintenance)]
    const { out } = await runWeir(['history', 'service', 'shop/web', '--socket', socket, ...range])
    expect(out[0]).includes(`event ${seqs.maintenance}`).includes('backend.configured').includes('operator')
    const pod = 'pod web-1 on n1'
    expect(out.slice(1)).deep.equals([`  ~ 10.1.0.2:8080/TCP  active, ${pod} → maintenance, ${pod}`])
    const wrong = await runWeir(['history', 'service', 'wep', '--socket', socket])
    expect([wrong.code, wrong.err]).deep.equals([5, wrong.err])
    expect(wrong.err).includes('shop/web')
    const states = async (seq: number) =>
      (await json('backends', '--at', String(seq), '--socket', socket)).map(({ state }) => state)
    expect(await states(seqs.maintenance!)).deep.equals(['maintenance', 'active'])
    expect(await states(seqs.active!)).deep.equals(['active', 'active'])
    expect((await runWeir(['get', 'backends', '--at', '9999', '--socket', socket])).code).equals(5)
  })

  it('answer of a past state, and of a folder', async () => {
    const then = await runWeir(['get', 'services', '--log', `${at('state')}@${past}`])
    expect(rowsOf(then.out).map(([, name]) => name)).deep.equals(['web'])
    const now = await runWeir(['get', 'services', '--log', at('state')])
    expect(rowsOf(now.out).filter(row => row.length > 1)).has.length(2)
    const backends = await runWeir(['get', 'backends', '--log', `${at('state')}@${past}`])
    expect(rowsOf(backends.out)).has.length(2)
    const written = await runWeir(['get', 'services', '--log', at('followed')])
    expect(
      rowsOf(written.out)
        .filter(row => row.length > 1)
        .map(row => row[6]),
    ).deep.equals(['0/0', '0/0'])
  })
})
