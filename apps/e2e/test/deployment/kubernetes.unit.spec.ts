import { spawnSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { isOfKubernetes, type Manifest, readManifests, typeProblems } from './manifests.ts';
import { filesBelow, isThere, PINNED_IMAGE, pathOf, read, readYaml } from './repository.ts';

interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: string };
  readonly failureThreshold?: number;
  readonly periodSeconds?: number;
}
interface Container {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly lifecycle?: { readonly preStop?: object };
  readonly resources: { readonly requests: object; readonly limits: { readonly memory: string } };
  readonly securityContext: Readonly<Record<string, unknown>>;
}
interface Workload extends Manifest {
  readonly spec: {
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template: {
      readonly metadata: {
        readonly labels: Readonly<Record<string, string>>;
        readonly annotations?: Readonly<Record<string, string>>;
      };
      readonly spec: {
        readonly containers: readonly [Container];
        readonly securityContext: Readonly<Record<string, unknown>>;
        readonly terminationGracePeriodSeconds: number;
        readonly automountServiceAccountToken: boolean;
      };
    };
  };
}

const manifests = readManifests();
const of = <Kind extends Manifest>(kind: string): Kind[] => manifests.filter((each) => each.kind === kind) as Kind[];
const workloads = [...of<Workload>('Deployment'), ...of<Workload>('StatefulSet')];
const processes = of<Workload>('Deployment');
const containerOf = ({ spec }: Workload): Container => spec.template.spec.containers[0];

describe('the Kubernetes manifests', () => {
  it('are what the API of Kubernetes has, field by field', () => {
    expect(typeProblems(manifests.filter(isOfKubernetes))).toBe('');
  });

  it('would not pass with a field that there is not', () => {
    const [deployment] = processes as [Workload];
    const container = { ...containerOf(deployment), readynessProbe: {} };
    const template = { spec: { containers: [container] } };
    const mistaken = { ...deployment, spec: { selector: deployment.spec.selector, template } };
    expect(typeProblems([mistaken])).toContain('readynessProbe');
  });

  it('are all named by Kustomize, and build where kubectl is installed', () => {
    for (const folder of ['deploy/kubernetes', 'deploy/kubernetes/keda']) {
      const [{ resources }] = readYaml(`${folder}/kustomization.yaml`) as [{ resources: string[] }];
      const files = filesBelow(folder).filter((path) => !path.slice(folder.length + 1).includes('/'));
      expect(resources.sort()).toEqual(
        files
          .map((path) => path.slice(folder.length + 1))
          .filter((name) => name !== 'kustomization.yaml')
          .sort(),
      );
    }
    const { error, stderr } = spawnSync('kubectl', ['kustomize', pathOf('deploy/kubernetes')], { encoding: 'utf8' });
    expect(error ? '' : stderr).toBe('');
  });

  it.each(workloads.map((each) => [each.metadata.name, each] as const))('harden and bound %s', (_name, workload) => {
    const { spec, metadata } = workload.spec.template;
    const container = containerOf(workload);
    expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(Number(spec.securityContext.runAsUser)).toBeGreaterThan(0);
    expect(spec.automountServiceAccountToken).toBe(false);
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(Object.keys(container.resources.requests).sort()).toEqual(['cpu', 'memory']);
    expect(container.resources.limits.memory).toMatch(/^\d+[MG]i$/);
    expect(container.image).toMatch(workload.kind === 'Deployment' ? /^rejoin$/ : PINNED_IMAGE);
    expect(metadata.labels).toMatchObject(workload.spec.selector.matchLabels);
    const budgets = of<Workload>('PodDisruptionBudget').filter(
      (each) => JSON.stringify(each.spec.selector) === JSON.stringify(workload.spec.selector),
    );
    expect(budgets.length).toBe(1);
  });

  it.each(processes.map((each) => [each.metadata.name, each] as const))(
    'probe %s where it listens',
    (_name, workload) => {
      const container = containerOf(workload);
      const [port] = container.ports as [{ name: string; containerPort: number }];
      expect(isThere((container.args[0] as string).replace(/^dist\/(.*)\.js$/, 'apps/$1/src/main.ts'))).toBe(true);
      const told = container.env?.find(({ name }) => name === 'PORT' || name === 'OPS_PORT')?.value;
      expect(told).toBe(String(port.containerPort));
      expect(workload.spec.template.metadata.annotations?.['prometheus.io/port']).toBe(told);
      for (const [probe, path] of [
        [container.startupProbe, '/health/live'],
        // A Redis that is away makes a process not ready; it must not make it start anew.
        [container.livenessProbe, '/health/live'],
        [container.readinessProbe, '/health/ready'],
      ] as const) {
        expect(probe.httpGet).toEqual({ path, port: port.name });
      }
    },
  );

  it('give a gateway the time to send its clients away', () => {
    const gateway = processes.find(({ metadata }) => metadata.name === 'gateway') as Workload;
    const container = containerOf(gateway);
    const waited = Number(/(\d+)\)/.exec(JSON.stringify(container.lifecycle?.preStop))?.[1]) / 1_000;
    const spread = Number(
      /^(\d+)s$/.exec(container.env?.find(({ name }) => name === 'DRAIN_SPREAD')?.value ?? '')?.[1],
    );
    const { periodSeconds = 10, failureThreshold = 3 } = container.readinessProbe;
    // Endpoints are removed while it waits; then it drains, and a process has eight seconds to stop.
    expect(waited).toBeGreaterThanOrEqual(periodSeconds * failureThreshold);
    expect(spread).toBeLessThan(8);
    expect(gateway.spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThan(waited + 8);
  });

  it('let nobody reach anybody without being named', () => {
    const policies = of<Manifest & { spec: { podSelector: object; policyTypes: string[] } }>('NetworkPolicy');
    const deny = policies.filter(
      ({ spec }) => JSON.stringify(spec) === '{"podSelector":{},"policyTypes":["Ingress","Egress"]}',
    );
    expect(deny.length).toBe(1);
    expect(policies.length).toBeGreaterThan(4);
  });

  it('scale workers by the age of what waits, never beyond the partitions, never below two', () => {
    const [scaled] = of<
      Manifest & {
        spec: {
          minReplicaCount: number;
          maxReplicaCount: number;
          triggers: { type: string; metadata: { query: string } }[];
        };
      }
    >('ScaledObject');
    const [
      {
        configMapGenerator: [{ literals }],
      },
    ] = readYaml('deploy/kubernetes/kustomization.yaml') as [{ configMapGenerator: [{ literals: string[] }] }];
    const partitions = Number(literals.find((line) => line.startsWith('REJOIN_PARTITIONS='))?.split('=')[1]);
    expect(scaled?.spec.minReplicaCount).toBe(2);
    expect(scaled?.spec.maxReplicaCount).toBeLessThanOrEqual(partitions);
    expect(scaled?.spec.triggers.map(({ type, metadata }) => [type, metadata.query])).toEqual([
      ['prometheus', 'max(max by (partition) (rejoin_group_oldest_undelivered_age_seconds))'],
    ]);
  });

  it('hold no secret', () => {
    expect(of('Secret')).toEqual([]);
    expect(filesBelow('deploy').filter((path) => /JWT_SECRET[=:] *[^"$\s]/.test(read(path)))).toEqual([]);
  });
});
