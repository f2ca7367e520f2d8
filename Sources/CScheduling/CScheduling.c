#include "CScheduling.h"
