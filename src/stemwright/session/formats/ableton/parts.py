"""The elements of a Live 12.1 set: their names, their order and Live's own defaults, in a short notation.

Facts of the file format, as sets that Live 12 saved show them; nothing is taken over from one. `Tag=1` is
`<Tag Value="1"/>`, `Tag@Name=1` has another attribute, `Tag#3` the Id 3 and `Tag#` the next Id of the set (what
automation and modulation point at must be unique in it), `Tag { ... }` children. Left out is what only MIDI needs.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element

LOUDEST, SOFTEST = 1.99526238, 0.0003162277571
"""Linear gains where the volume of a track ends: +6 and -70 dB, below which Live shows -inf."""

EVENTS = "DeviceChain/MainSequencer/Sample/ArrangerAutomation/Events"
"""Where the clips of an audio track are."""

BEGINNING = -63072000
"""The quarter note, a year before the song at 120 BPM, at which Live writes what holds at its start."""

MODES = ("major", "minor")
"""The first of Live's scales, by number."""

_TOKEN = re.compile(r"([A-Za-z]+)(#\d*)?((?:@\w+=[^\s@]*)*)(?:=('[^']*'|\S*))?|[{}]")


def grow(parent: _Element, notation: str, ids: Iterator[int]) -> _Element:
    """Append the element of a notation to `parent`, and return it."""
    new = copy.deepcopy(_grown(notation))
    for element in new.iter():
        if element.get("Id") == "#":
            element.set("Id", str(next(ids)))
    parent.append(new)
    return new


@lru_cache(64)
def _grown(notation: str) -> _Element:
    """The element of a notation, `#` for the Ids that the set gives."""
    from lxml import etree

    inside = [etree.Element("Root")]
    for token in _TOKEN.finditer(notation):
        tag, number, attributes, value = token.groups()
        if tag:
            new = etree.SubElement(inside[-1], tag)
            if number:
                new.set("Id", number[1:] or "#")
            for attribute in attributes.split("@")[1:]:
                new.set(*attribute.split("="))
            if value is not None:
                new.set("Value", value.strip("'"))
        elif token[0] == "{":
            inside.append(inside[-1][-1])
        else:
            inside.pop()
    return inside[0][0]


def at(element: _Element, path: str) -> _Element:
    """The element at `path`, which is there."""
    found = element.find(path)
    assert found is not None, path
    return found


def put(element: _Element, path: str, value: object) -> None:
    """Set the value of the element at `path`, which is there."""
    at(element, path).set("Value", str(value).lower() if isinstance(value, bool) else str(value))


def _target(name: str) -> str:
    return f"{name}# {{ LockEnvelope=0 }} "


def _range(name: str, manual: float, low: float, high: float) -> str:
    ends = f"MidiControllerRange {{ Min={low} Max={high} }}"
    return f"{name} {{ LomId=0 Manual={manual} {ends} {_target('AutomationTarget')} {_target('ModulationTarget')} }} "


def _switch(name: str) -> str:
    ends = "MidiCCOnOffThresholds { Min=64 Max=127 }"
    return f"{name} {{ LomId=0 Manual=true {_target('AutomationTarget')} {ends} }} "


def _routing(name: str, target: str, upper: str, lower: str = "") -> str:
    mpe = "MpeSettings { ZoneType=0 FirstNoteChannel=1 LastNoteChannel=15 }"
    return f"{name} {{ Target='{target}' UpperDisplayString='{upper}' LowerDisplayString='{lower}' {mpe} }} "


_DEVICE = (
    "LomId=0 LomIdView=0 IsExpanded=true BreakoutIsExpanded=false " + _switch("On") + "ModulationSourceCount=0 "
    "ParametersListWrapper@LomId=0 Pointee# LastSelectedTimeableIndex=0 LastSelectedClipEnvelopeIndex=0 "
    "LastPresetRef { Value } LockedScripts IsFolded=false ShouldShowPresetName=false UserName= Annotation= "
    "SourceContext { Value } "
)

_ENVELOPE_VIEW = "AutomationTransformViewState { IsTransformPending=false TimeAndValueTransforms } "

_MIXER = (
    _DEVICE + "Sends " + _switch("Speaker") + "SoloSink=false PanMode=0 " + _range("Pan", 0, -1, 1)
    + _range("SplitStereoPanL", -1, -1, 1) + _range("SplitStereoPanR", 1, -1, 1)
    + _range("Volume", 1, SOFTEST, LOUDEST) + "ViewStateSessionTrackWidth=93 "
    + f"CrossFadeState {{ LomId=0 Manual=1 {_target('AutomationTarget')} }} SendsListWrapper@LomId=0 "
)  # fmt: skip


_MODULATED = (
    "Volume",
    "Transposition",
    "TransientEnvelope",
    "GrainSize",
    "Flux",
    "SampleOffset",
    "ComplexProFormants",
    "ComplexProEnvelope",
)


def _sequencer(slots: str, monitoring: int) -> str:
    return (
        f"{_DEVICE} ClipSlotList {{ {slots} }} MonitoringEnum={monitoring} KeepRecordMonitoringLatency=true "
        f"Sample {{ ArrangerAutomation {{ Events {_ENVELOPE_VIEW} }} }} "
        + "".join(_target(f"{name}ModulationTarget") for name in _MODULATED)
        + "PitchViewScrollPosition=-1073741824 SampleOffsetModulationScrollPosition=-1073741824 "
        "Recorder { IsArmed=false TakeCounter=1 } "
    )


def _track(tag: str, own: str, output: str, mixer: str, sequencers: str) -> str:
    return (
        f"{tag}@SelectedToolPanel=7@SelectedTransformationName=@SelectedGeneratorName= {{ "
        "LomId=0 LomIdView=0 IsContentSelectedInDocument=false PreferredContentViewMode=0 "
        "TrackDelay { Value=0 IsValueSampleBased=false } "
        "Name { EffectiveName= UserName= Annotation= MemorizedFirstClipName= } Color=-1 "
        "AutomationEnvelopes { Envelopes } TrackGroupId=-1 TrackUnfolded=true DevicesListWrapper@LomId=0 "
        "ClipSlotsListWrapper@LomId=0 ViewData='{}' TakeLanes { TakeLanes AreTakeLanesFolded=true } "
        f"LinkedTrackGroupId=-1 {own} DeviceChain {{ "
        "AutomationLanes { AutomationLanes { AutomationLane#0 { SelectedDevice=0 SelectedEnvelope=0 "
        "IsContentSelectedInDocument=false LaneHeight=68 } } AreAdditionalAutomationLanesFolded=false } "
        "ClipEnvelopeChooserViewState { SelectedDevice=0 SelectedEnvelope=0 PreferModulationVisible=false } "
        + _routing("AudioInputRouting", "AudioIn/External/S0", "Ext. In", "1/2")
        + _routing("MidiInputRouting", "MidiIn/External.All/-1", "Ext: All Ins")
        + output
        + _routing("MidiOutputRouting", "MidiOut/None", "None")
        + f"Mixer {{ {_MIXER} {mixer} }} {sequencers} }} }} "
    )


_DEVICES = "DeviceChain { Devices SignalModulations } "
_SLOT = "ClipSlot#0 { LomId=0 ClipSlot { Value } HasStop=true NeedRefreeze=true } "
_TO_MAIN = _routing("AudioOutputRouting", "AudioOut/Main", "Master")
_OUT = _routing("AudioOutputRouting", "AudioOut/External/S0", "Ext. Out", "1/2")

AUDIO_TRACK = _track(
    "AudioTrack#",
    "SavedPlayingSlot=-1 SavedPlayingOffset=0 Freeze=false NeedArrangerRefreeze=true PostProcessFreezeClips=0",
    _TO_MAIN,
    "",
    f"MainSequencer {{ {_sequencer(_SLOT, 2)} }} FreezeSequencer {{ {_sequencer(_SLOT, 1)} }} {_DEVICES}",
)

GROUP_TRACK = _track(
    "GroupTrack#",
    "Slots { GroupTrackSlot#0 { LomId=0 } } Freeze=false NeedArrangerRefreeze=true",
    _TO_MAIN,
    "",
    f"{_DEVICES} FreezeSequencer {{ {_sequencer('', 1)} }}",
)

MAIN_TRACK = _track(
    "MainTrack",
    "",
    _OUT,
    _range("Tempo", 120, 60, 200)
    + f"TimeSignature {{ LomId=0 Manual=201 {_target('AutomationTarget')} }} "
    + _range("GlobalGrooveAmount", 100, 0, 131.25)
    + _range("CrossFade", 0, -1, 1)
    + "TempoAutomationViewBottom=60 TempoAutomationViewTop=200",
    f"FreezeSequencer {{ AudioSequencer#0 {{ {_sequencer('', 1)} }} }} {_DEVICES}",
)

CUE_TRACK = _track("PreHearTrack", "", _OUT, "", _DEVICES)

_GRID = "FixedNumerator=1 FixedDenominator=16 GridIntervalPixel=20 Ntoles=2 SnapToGrid=true Fixed=false"

_FOLLOW = (
    "FollowAction { FollowTime=4 IsLinked=true LoopIterations=1 FollowActionA=4 FollowActionB=0 FollowChanceA=100 "
    "FollowChanceB=0 JumpIndexA=1 JumpIndexB=1 FollowActionEnabled=false } "
)

CLIP = (
    "AudioClip# { LomId=0 LomIdView=0 CurrentStart=0 CurrentEnd=0 "
    "Loop { LoopStart=0 LoopEnd=0 StartRelative=0 LoopOn=false OutMarker=0 HiddenLoopStart=0 HiddenLoopEnd=0 } "
    "Name= Annotation= Color=0 LaunchMode=0 LaunchQuantisation=0 "
    "TimeSignature { TimeSignatures { RemoteableTimeSignature#0 { Numerator=4 Denominator=4 Time=0 } } } "
    "Envelopes { Envelopes } ScrollerTimePreserver { LeftTime=0 RightTime=0 } "
    "TimeSelection { AnchorTime=0 OtherTime=0 } Legato=false Ram=false GrooveSettings { GrooveId=-1 } "
    f"Disabled=false VelocityAmount=0 {_FOLLOW} Grid {{ {_GRID} }} FreezeStart=0 FreezeEnd=0 IsWarped=false TakeId=1 "
    "SampleRef { FileRef { RelativePathType=1 RelativePath= Path= Type=1 LivePackName= LivePackId= "
    "OriginalFileSize=0 OriginalCrc=0 } LastModDate=0 SourceContext SampleUsageHint=0 DefaultDuration=0 "
    "DefaultSampleRate=0 } Onsets { UserOnsets HasUserOnsets=false } WarpMode=0 GranularityTones=30 "
    "GranularityTexture=65 FluctuationTexture=25 TransientResolution=6 TransientLoopMode=2 TransientEnvelope=100 "
    "ComplexProFormants=100 ComplexProEnvelope=128 Sync=true HiQ=true Fade=false "
    "Fades { FadeInLength=0 FadeOutLength=0 ClipFadesAreInitialized=true CrossfadeInState=0 FadeInCurveSkew=0 "
    "FadeInCurveSlope=0 FadeOutCurveSkew=0 FadeOutCurveSlope=0 IsDefaultFadeIn=false IsDefaultFadeOut=false } "
    "PitchCoarse=0 PitchFine=0 SampleVolume=1 WarpMarkers SavedWarpMarkersForStretched MarkersGenerated=true "
    "IsSongTempoLeader=false }"
)
"""An audio clip in the arrangement that plays at its own speed (warp off), without Live's 4 ms fades at its edges."""

ENVELOPE = f"AutomationEnvelope#0 {{ EnvelopeTarget {{ PointeeId=0 }} Automation {{ Events {_ENVELOPE_VIEW} }} }}"

LOCATOR = "Locator#0 { LomId=0 Time=0 Name= Annotation= IsSongStart=false }"

SET = (
    "LiveSet { NextPointeeId=0 OverwriteProtectionNumber=3072 LomId=0 LomIdView=0 Tracks "
    f"{MAIN_TRACK} {CUE_TRACK} SendsPre Scenes {{ Scene#0 {{ {_FOLLOW} Name= Annotation= Color=-1 Tempo=120 "
    "IsTempoEnabled=false TimeSignatureId=201 IsTimeSignatureEnabled=false LomId=0 ClipSlotsListWrapper@LomId=0 } } "
    "Transport { PhaseNudgeTempo=10 LoopOn=false LoopStart=8 LoopLength=16 LoopIsSongStart=false CurrentTime=0 "
    "PunchIn=false PunchOut=false MetronomeTickDuration=0 DrawMode=false } SessionScrollPos@X=0@Y=0 "
    f"SignalModulations GlobalQuantisation=4 AutoQuantisation=0 Grid {{ {_GRID} }} "
    "ScaleInformation { Root=0 Name=0 } InKey=false SmpteFormat=0 TimeSelection { AnchorTime=0 OtherTime=0 } "
    "SequencerNavigator { BeatTimeHelper { CurrentZoom=0.25 } ScrollerPos@X=0@Y=0 ClientSize@X=745@Y=490 } "
    "IsContentSplitterOpen=true IsExpressionSplitterOpen=true ExpressionLanes ContentLanes ViewStateFxSlotCount=4 "
    "ViewStateSessionMixerVolumeSectionHeight=120 ViewStateArrangerMixerVolumeSectionHeight=120 "
    "ShouldSceneTempoAndTimeSignatureBeVisible=false WaveformVerticalZoomFactor=1 IsWaveformVerticalZoomActive=true "
    "Locators { Locators } DetailClipKeyMidis TracksListWrapper@LomId=0 VisibleTracksListWrapper@LomId=0 "
    "ReturnTracksListWrapper@LomId=0 ScenesListWrapper@LomId=0 CuePointsListWrapper@LomId=0 "
    "SelectedDocumentViewInMainWindow=0 Annotation= SoloOrPflSavedValue=true SoloInPlace=true CrossfadeCurve=2 "
    "LatencyCompensation=2 HighlightedTrackIndex=0 GroovePool { LomId=0 Grooves } AutomationMode=false "
    "SnapAutomationToGrid=true ArrangementOverdub=false ColorSequenceIndex=0 "
    "AutoColorPickerForPlayerAndGroupTracks { NextColorIndex=0 } "
    "AutoColorPickerForReturnAndMainTracks { NextColorIndex=0 } ViewData='{}' "
    "ResetNonautomatedMidiControllersOnClipStarts=true MidiFoldIn=false MidiFoldMode=-99 MultiClipFocusMode=false "
    "MultiClipLoopBarHeight=0 MidiPrelisten=false LinkedTrackGroups NoteSpellingPreference=0 "
    "AccidentalSpellingPreference=3 PreferFlatRootNote=false UseWarperLegacyHiQMode=false "
    "VideoWindowRect@Top=-2147483648@Left=-2147483648@Bottom=-2147483648@Right=-2147483648 ShowVideoWindow=true "
    "TuningSystems TrackHeaderWidth=93 ViewStateMainWindowClipDetailOpen=false "
    "ViewStateMainWindowHiddenOtherDocViewTypeClipDetailOpen=false "
    "ViewStateMainWindowHiddenOtherDocViewTypeDeviceDetailOpen=true ViewStateMainWindowDeviceDetailOpen=true "
    "ViewStateSecondWindowClipDetailOpen=true ViewStateSecondWindowDeviceDetailOpen=false }"
)
