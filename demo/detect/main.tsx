// The page Detect: objects in the visitor's own pictures and videos, found, shown, counted, measured, edited.

import './detect.css';
import { useEffect } from 'preact/hooks';
import { mount } from '../shell/shell';
import { begin } from './actions';
import { ComparePanel } from './compare_panel';
import { EditPanel } from './edit/edit_panel';
import { ExportPanel } from './export_panel';
import { Filters, Headline, InstanceList } from './found_panel';
import { FollowPanel } from './live/follow_panel';
import { ModelBar } from './model_bar';
import { SourceBar } from './source_bar';
import { Stage } from './stage';
import { live } from './state';
import { Tabs } from './tabs';

const LIST = { id: 'list', title: 'Objects', Panel: InstanceList };
const EXPORT = { id: 'export', title: 'Export', Panel: ExportPanel };
const STILL = [
  LIST,
  { id: 'edit', title: 'Edit', Panel: EditPanel },
  { id: 'compare', title: 'Compare', Panel: ComparePanel },
  EXPORT,
];
const LIVE = [{ id: 'follow', title: 'Follow', Panel: FollowPanel }, LIST, EXPORT];

function Detect() {
  useEffect(begin, []);
  return (
    <>
      <h1 class="hidden-visually">Detect objects in your pictures</h1>
      <SourceBar />
      <div class="detect">
        <Stage />
        <aside>
          <ModelBar />
          <section class="card" aria-label="What was found">
            <Headline />
            <Filters />
            <Tabs
              key={live.value ? 'live' : 'still'}
              label="What to do with it"
              tabs={live.value ? LIVE : STILL}
            />
          </section>
        </aside>
      </div>
    </>
  );
}

mount('detect', Detect);
