"""Every error that refervid raises on purpose.

    RefervidError
    ├── MediaError
    │   ├── MediaNotFound        no such file or folder, or it cannot be read
    │   ├── UnreadableMedia      the bytes are no video, picture or sound that we can decode
    │   ├── EmptyClip            a video stream without one decodable frame
    │   ├── NoVideoStream        a sound file where a video is needed
    │   ├── NoAudioStream        a clip without sound where sound is needed
    │   ├── TruncatedMedia       the file ends early and `strict` was asked for
    │   └── MediaTooLarge        more pixels or frames than the limit allows
    ├── UnsafeName               a name from outside that would leave its folder
    ├── SettingsError            a setting, preset or reference that makes no sense
    │   ├── ConfigurationChanged a resumed run whose settings differ from the first run's
    │   └── OutputConflict       an output would replace an input, or a file of somebody else
    ├── MissingExtra             an optional package is not installed
    ├── MissingWeights           a checkpoint is not on this machine
    ├── NotReady                 a preset lacks parts on this machine
    ├── BadCheckpoint            a checkpoint is damaged or does not fit the model
    ├── DeviceError              the device asked for is not there
    │   └── OutOfMemory          the device has too little memory even for the smallest step
    ├── ChooserError             the language model gave no answer
    │   ├── ChooserUnavailable   it cannot be reached, or refuses the key or the model's name
    │   ├── ServerFailed         it answered with an error or not in time, also when asked again
    │   ├── NotInCache           a replay meets a question that was never answered
    │   ├── BudgetExceeded       the next question would cost more than allowed
    │   └── UnusableReply        it answered, but not the question
    │       ├── ReplyRefused     a refusal
    │       ├── ReplyFiltered    stopped by a content filter
    │       ├── ReplyEmpty       no choice, no message or no words
    │       ├── ReplyCut         ended by the length limit
    │       ├── ReplyOnlyThought thoughts without an answer
    │       └── ReplyUnreadable  words from which no allowed answer can be read
    ├── RemoteNotAllowed         data would leave this machine without permission
    ├── BadResult                a stored result is damaged, or none that this program wrote
    ├── DatasetError             a data set's files are missing or wrong
    ├── TrainingDiverged         a loss or cost is not finite
    ├── OutputLocked             another process writes to the same output folder
    ├── StorageFailed            the cache or the folder for temporary files cannot be written
    ├── OutputFailed             the output folder cannot be written any more: full, removed
    └── MirrorFailed             the copy of a run elsewhere cannot be read or written

The message says what happened, with the value, and what to do about it. Third-party exceptions
are mapped where the third party is called, with the original as `__cause__`.
"""

from __future__ import annotations


class RefervidError(Exception):
    """Base of all errors raised on purpose; `str(error)` is one sentence fit for a person."""


class MediaError(RefervidError):
    """A video, picture folder or sound could not be used."""


class MediaNotFound(MediaError):
    """No such file or folder, or no permission to read it."""


class UnreadableMedia(MediaError):
    """The bytes are no video, picture or sound that can be decoded."""


class EmptyClip(MediaError):
    """There is a video stream, but not one frame can be decoded."""


class NoVideoStream(MediaError):
    """The file holds no moving pictures."""


class NoAudioStream(MediaError):
    """The clip has no sound."""


class TruncatedMedia(MediaError):
    """The file ends before the time that its header promises (only with `strict`)."""


class MediaTooLarge(MediaError):
    """The clip exceeds a limit on pixels or frames."""


class UnsafeName(RefervidError):
    """A name from a data set, archive or upload that would leave its folder."""


class SettingsError(RefervidError):
    """A setting, preset or reference is unknown or out of range."""


class ConfigurationChanged(SettingsError):
    """A run was to be resumed under other settings than it was started with."""


class OutputConflict(SettingsError):
    """An output would replace an input, or a file that this program did not write or that was changed."""


class MissingExtra(RefervidError):
    """An optional package is needed; the message holds the install command."""


class MissingWeights(RefervidError):
    """A checkpoint is not on this machine; the message says how to get it."""


class NotReady(RefervidError):
    """A preset lacks parts on this machine; the message names all of them, and how to get them."""


class BadCheckpoint(RefervidError):
    """A checkpoint is damaged, unsafe, or its keys do not fit the model."""


class DeviceError(RefervidError):
    """The compute device asked for is not available."""


class OutOfMemory(DeviceError):
    """Memory, of the device or of this machine, does not suffice even for the smallest step."""


class ChooserError(RefervidError):
    """The language model gave no answer to one question."""


class ChooserUnavailable(ChooserError):
    """The language model cannot be reached, or refuses the key or the model name."""


class ServerFailed(ChooserError):
    """The server answered with an error or not in time, also when asked again."""


class NotInCache(ChooserError):
    """A replay met a question that was never answered."""


class BudgetExceeded(ChooserError):
    """The next question would exceed the allowed cost."""


class UnusableReply(ChooserError):
    """There is a reply, but no answer in it."""


class ReplyRefused(UnusableReply):
    """The model refuses to answer."""


class ReplyFiltered(UnusableReply):
    """A content filter stopped the reply."""


class ReplyEmpty(UnusableReply):
    """No choice, no message, or no words."""


class ReplyCut(UnusableReply):
    """The reply was ended by the length limit."""


class ReplyOnlyThought(UnusableReply):
    """The model thought, and said nothing."""


class ReplyUnreadable(UnusableReply):
    """No allowed answer can be read from the words."""


class RemoteNotAllowed(RefervidError):
    """Frames or text would leave this machine and nobody allowed it."""


class BadResult(RefervidError):
    """The files of a stored result are missing, damaged, or not as this program writes them."""


class DatasetError(RefervidError):
    """Files of a data set are missing or wrong; the message lists every problem found."""


class TrainingDiverged(RefervidError):
    """A loss or matching cost is NaN or infinite; names the step, the loss and the batch."""


class OutputLocked(RefervidError):
    """Another process is writing to the same output folder."""


class StorageFailed(RefervidError):
    """The cache or the folder for temporary files cannot be written: full, read-only."""


class OutputFailed(RefervidError):
    """The output folder cannot be written any more; what was in it before is kept."""


class MirrorFailed(RefervidError):
    """The place of a run's copy, or the client that speaks to it, gave an error; the run itself is kept."""
